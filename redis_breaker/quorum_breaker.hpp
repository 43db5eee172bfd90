// A QuorumBreaker is an instance's part in a shared breaker that opens only when several instances see failures. What
// this instance alone sees, it keeps to itself: its own breaker counts its own calls, and opens for nobody else.
// Thread-safe: every method. A call needs the leave of both, the shared one's first, and both learn how it went.
// Whenever the shared breaker changes its state, that is the fleet's word, and the instance's own count begins anew;
// while a person overrides, the own breaker is not asked.
// The listener is told of the shared breaker's events by that one, and by this of its own: "this instance only: ...".
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <unordered_map>

#include "redis_breaker/redis_breaker.hpp"
#include "simple_breaker/circuit_breaker.hpp"

namespace cb {

class QuorumBreaker final : public ManagedBreaker {
 public:
  QuorumBreaker(const std::shared_ptr<const RedisBreakerGroup>& group, const Identity& identity);

  Admission acquire() override;
  DetailedStatus detailed_status() override;
  std::string apply_override(const Override& order, std::chrono::milliseconds lasts) override;
  void report_health(Health health) override;
  State known_state() const override;
  bool is_evictable() const override { return local_.is_evictable(); }

 private:
  struct Both {
    Permit shared, local;
  };

  Settled settle(const PermitId& id, TimePoint ticket, Outcome outcome) override;
  Permit grant(Permit shared, Permit local);
  void reset_if_changed(uint64_t generation);

  RedisBreaker shared_;
  CircuitBreaker local_;
  std::atomic<uint64_t> latest_generation_{0};  // the shared breaker's newest stay that is known here
  std::mutex mutex_;
  int64_t tickets_ = 0;                          // guarded by mutex_
  std::unordered_map<int64_t, Both> in_flight_;  // guarded by mutex_; calls under way, by the number on their permit
};

}  // namespace cb
