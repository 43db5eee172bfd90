// A CircuitBreaker is the breaker of one process: the state machine, with a clock and a lock round it.
// Thread-safe: every method. The listener runs on the calling thread, after the lock is released.
// Cost: a successful call on a healthy circuit reads one atomic word twice; no lock, no clock, nothing written, so
// threads do not slow each other down. A sliding window adds a clock reading and a counter of this core's own, a
// threshold for slow calls another clock reading; a rejection reads the clock once. Everything else takes the lock.
// Errors: the constructor throws std::invalid_argument naming the setting; afterwards nothing throws.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>

#include "simple_breaker/event.hpp"
#include "simple_breaker/fast_path/striped_counter.hpp"
#include "simple_breaker/policies/managed_breaker.hpp"
#include "simple_breaker/policy.hpp"
#include "simple_breaker/state_machine.hpp"

namespace cb {

using Clock = std::function<TimePoint()>;

// The wall time at the first use, carried forward by the steady clock: nobody who sets the wall clock back or forward
// shortens or lengthens a break.
TimePoint steady_wall_clock();

// What breakers of one kind have in common, so that many of them cost little. Throws as require_valid() does.
struct BreakerConfig {
  explicit BreakerConfig(Policy policy, Listener listener = {}, Clock clock = {});
  const Policy policy;
  const Listener listener;
  const Clock clock;  // for tests and demos; an empty one is steady_wall_clock()
};

class CircuitBreaker final : public ManagedBreaker {
 public:
  explicit CircuitBreaker(Policy policy, Listener listener = {}, Clock clock = {}, Identity identity = {"breaker"});
  CircuitBreaker(std::shared_ptr<const BreakerConfig> config, Identity identity);

  Admission acquire() override;
  DetailedStatus detailed_status() override;
  std::string apply_override(const Override& order, std::chrono::milliseconds lasts) override;
  void report_health(Health health) override;
  State known_state() const override;
  bool is_evictable() const override;

  // Goes on from what somebody else knew, in a stay of its own. Permits from before it are late; nobody is told.
  void resume_from(Snapshot snapshot, const Override& active_override);

 private:
  Settled settle(const PermitId& id, TimePoint started, Outcome outcome) override;
  bool count_success(TimePoint started, TimePoint now);
  Admission acquire_locked();
  Settled settle_locked(const PermitId& id, TimePoint started, Outcome outcome);
  void collect();
  void publish();

  const Policy& policy() const { return config_->policy; }
  TimePoint now() const { return config_->clock ? config_->clock() : steady_wall_clock(); }

  void report(EventKind kind, const std::optional<Transition>& transition) const {
    notify(config_->listener, identity_, kind, transition);
  }
  void report(EventKind kind, StateGeneration stay, std::string_view cause, TimePoint at) const {
    notify(config_->listener, identity_, kind, stay, cause, at);
  }

  const std::shared_ptr<const BreakerConfig> config_;
  const Identity identity_;
  const bool times_calls_;  // here and not two pointers away, as each call asks

  // What the fast paths read. They may only answer what the table would; whenever in doubt they take the lock.
  std::atomic<uint64_t> word_;          // generation, state, and whether the table must hear of successes
  std::atomic<TimePoint> admits_from_;  // stored before word_: whoever sees a stay's word sees its time, or a later one
  std::atomic<TimePoint> count_until_;  // until then a success need only be counted: its bucket is the newest
  std::optional<StripedCounter> successes_;  // in the newest bucket, not yet in the snapshot; where there is a window

  std::atomic<uint64_t> late_results_{0};
  std::atomic<uint64_t> slow_calls_{0};
  std::atomic<uint64_t> would_have_tripped_{0};
  mutable std::mutex mutex_;
  Snapshot snapshot_;                                // guarded by mutex_
  std::unique_ptr<const Override> active_override_;  // guarded by mutex_; who ordered snapshot_.mode
};

}  // namespace cb
