// A LocalBreaker protects one instance's calls while Redis is unavailable. It continues from the last known shared
// state, and again in the next outage: what this instance saw while away is not lost with each return of Redis. Until
// the first outage it is small, as many breakers never have one.
// Thread-safe: every method. Before the first follow(), only the two questions beside it, saw_success() and
// detailed_status() may be called.
// Invariant: a result is credited to the generation that admitted the call, or is late. The local generation that
// continues a shared one takes the results of both.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>

#include "redis_breaker/cached_core.hpp"
#include "simple_breaker/circuit_breaker.hpp"

namespace cb {

class LocalBreaker {
 public:
  // `is_in_use`: otherwise its transitions are not reported. A call may end here when the store is back: then what it
  // changes is no transition of this instance's.
  LocalBreaker(std::shared_ptr<const BreakerConfig> config, const NoticeQueue& notices,
               std::function<bool()> is_in_use);

  bool follows(uint64_t version) const { return version_.load(std::memory_order_acquire) == version; }

  // True from an outage until a success: the next outage continues what was counted in it.
  bool watches_successes() const { return watches_successes_.load(std::memory_order_acquire); }

  // Starts from the shared state, unless it follows that version or a later one. But if that has had no transition
  // since the last follow(), and this instance has seen no success since and was back for a minute at most, the local
  // state goes on, plus the failures that the fleet has counted since. (A state that Redis lost and that was created
  // again has had no transition.) `recovered_at`: when the store was last found again; the epoch: never.
  void follow(const SharedState& shared, TimePoint recovered_at);

  // While the shared breaker is in use: this instance's call succeeded. `version` is that of the shared state: that of
  // the last follow(), or an older one, changes nothing.
  void saw_success(uint64_t version);

  Admission acquire();
  std::optional<Rejection> early_rejection(std::chrono::milliseconds wait);
  void report_health(Health health) { circuit_->report_health(health); }

  // The result of a call that the shared breaker admitted. A probe's success counts as a healthy upstream; its failure
  // changes nothing, as the local breaker has been open meanwhile.
  Settled settle_shared(const PermitId& id, TimePoint started, Outcome outcome);

  BreakerDescription describe() const { return circuit_->describe(); }
  DetailedStatus detailed_status();  // and store.local_calls: those that it has decided on
  State known_state() const { return circuit_->known_state(); }
  bool is_evictable(std::chrono::milliseconds idle) const { return circuit_->is_evictable(idle); }

 private:
  bool continues_in(const SharedState& shared, TimePoint recovered_at) const;
  TimePoint now() const { return config_->clock ? config_->clock() : steady_wall_clock(); }

  const std::shared_ptr<const BreakerConfig> config_;
  const NoticeQueue notices_;
  std::unique_ptr<CircuitBreaker> circuit_;     // created once, before version_ is set
  std::atomic<uint64_t> version_{0};            // of followed_; 0: none
  std::atomic<bool> watches_successes_{false};  // changed under mutex_
  std::atomic<uint64_t> calls_{0};

  std::mutex mutex_;
  std::unique_ptr<const SharedState> followed_;  // guarded by mutex_, like everything below
  uint64_t generation_ = 0;                      // of circuit_; it continues followed_
  TimePoint followed_at_{};
};

}  // namespace cb
