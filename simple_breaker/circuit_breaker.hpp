// A CircuitBreaker is the breaker of one process: the state machine, with a clock and a lock round it.
// Thread-safe: every method. Listeners run on the calling thread, after the lock is released.
// Cost: a successful call on a healthy circuit reads one atomic word twice; no lock, no clock, nothing written, so
// threads do not slow each other down. A rejection reads the clock as well. Everything else takes the lock. Errors: the
// constructor throws std::invalid_argument naming the setting; afterwards nothing throws.
#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <optional>

#include "simple_breaker/breaker.hpp"
#include "simple_breaker/policy.hpp"
#include "simple_breaker/state_machine.hpp"

namespace cb {

using Clock = std::function<TimePoint()>;

// The wall time at the first use, carried forward by the steady clock: nobody who sets the wall clock back or forward
// shortens or lengthens a break.
TimePoint steady_wall_clock();

class CircuitBreaker final : public Breaker {
 public:
  // `clock`: for tests and demos; an empty one is steady_wall_clock().
  explicit CircuitBreaker(Policy policy, Listeners listeners = {}, Clock clock = {});

  Admission acquire() override;
  Status status() override;

 private:
  Settled settle(const PermitId& id, Outcome outcome) override;
  Admission acquire_locked();
  Settled settle_locked(const PermitId& id, Outcome outcome);
  TimePoint now() const { return clock_ ? clock_() : steady_wall_clock(); }
  void publish();
  void report(const std::optional<Transition>& transition) const;

  const Policy policy_;
  const Listeners listeners_;
  const Clock clock_;

  // What the fast paths read. They may only answer what the table would; whenever in doubt they take the lock.
  std::atomic<uint64_t> word_;          // generation, state, and whether there are failures to forget
  std::atomic<TimePoint> admits_from_;  // stored before word_: whoever sees a stay's word sees its time, or a later one

  std::atomic<uint64_t> late_results_{0};
  std::mutex mutex_;
  Snapshot snapshot_;  // guarded by mutex_
};

}  // namespace cb
