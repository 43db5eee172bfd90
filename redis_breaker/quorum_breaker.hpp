// A QuorumBreaker is an instance's part in a shared breaker that opens only when several instances see failures. What
// this instance alone sees, it keeps to itself: its own breaker counts its own calls, and opens for nobody else.
// Thread-safe: every method. A call needs the leave of both, and both learn how it went. Whenever the shared breaker
// changes its state, that is the fleet's word, and the instance's own count begins anew.
// Its listener is told of the shared breaker's events by that one, and here of its own transitions ("alone: ...").
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <unordered_map>

#include "simple_breaker/breaker.hpp"
#include "simple_breaker/circuit_breaker.hpp"

namespace cb {

class QuorumBreaker final : public Breaker {
 public:
  QuorumBreaker(std::unique_ptr<Breaker> shared, const Policy& policy, Listener listener, Identity identity);

  Admission acquire() override;
  Status status() override;
  std::string impose(const Override& order, std::chrono::milliseconds lasts) override;
  void hear(Health health) override;
  State known_state() const override {
    const State shared = shared_->known_state();
    return shared == State::closed ? own_.known_state() : shared;
  }
  bool is_forgettable() const override { return shared_->is_forgettable() && own_.is_forgettable(); }

 private:
  struct Both {
    Permit shared, own;
  };

  Settled settle(const PermitId& id, TimePoint ticket, Outcome outcome) override;
  Permit grant(Permit shared, Permit own);
  void follow(uint64_t generation);

  const std::unique_ptr<Breaker> shared_;
  CircuitBreaker own_;
  std::atomic<uint64_t> followed_{0};  // the shared breaker's newest stay that is known here
  std::mutex mutex_;
  int64_t tickets_ = 0;                    // guarded by mutex_
  std::unordered_map<int64_t, Both> out_;  // guarded by mutex_; calls under way, by the number on their permit
};

}  // namespace cb
