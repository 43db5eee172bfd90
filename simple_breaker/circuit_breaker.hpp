// A CircuitBreaker is the breaker of one process: the state machine with a clock, a lock and a fast path around it.
// Thread-safe: every method. Notices are queued under the lock and delivered after it is released (notice_queue.hpp).
// Cost: a successful call on a healthy circuit reads one atomic word twice and writes nothing. A window adds a coarse
// clock and a per-core counter, a threshold for slow calls a precise reading when the call starts. A rejection reads
// the precise clock once. The rest takes the lock. Errors: the constructor throws std::invalid_argument naming the
// setting; afterwards nothing throws.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <forward_list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "simple_breaker/breaker.hpp"
#include "simple_breaker/clock.hpp"
#include "simple_breaker/fast_path/published_state.hpp"
#include "simple_breaker/notice.hpp"
#include "simple_breaker/notices/notice_queue.hpp"
#include "simple_breaker/policies/failure_counts.hpp"
#include "simple_breaker/policies/health.hpp"
#include "simple_breaker/policies/identity.hpp"
#include "simple_breaker/policies/managed_breaker.hpp"
#include "simple_breaker/policies/override.hpp"
#include "simple_breaker/policy.hpp"
#include "simple_breaker/state_machine.hpp"

namespace cb {

// What many breakers share, so that each of them costs little. The constructor throws as require_valid() does.
struct BreakerConfig {
  explicit BreakerConfig(Policy policy, Listener listener = {}, Clock clock = {}, CoarseClock coarse_clock = {},
                         TripRule trip_rule = {});
  const Policy policy;
  const std::shared_ptr<SharedListener> listener;  // nothing: none
  const Clock clock;                               // empty: steady_wall_clock(); tests and demos bring another one
  const CoarseClock coarse_clock;                  // empty: coarse_reading(), or `clock` where there is one
  const TripRule trip_rule;                        // empty: only the policy decides
};

class CircuitBreaker final : public ManagedBreaker {
 public:
  explicit CircuitBreaker(Policy policy, Listener listener = {}, Clock clock = {},
                          const Identity& identity = {"breaker"});
  CircuitBreaker(const std::shared_ptr<const BreakerConfig>& config, const Identity& identity);

  // A part of another breaker, which reports to that one's queue.
  CircuitBreaker(std::shared_ptr<const BreakerConfig> config, NoticeQueue notices);
  ~CircuitBreaker() override;
  CircuitBreaker(const CircuitBreaker&) = delete;
  CircuitBreaker& operator=(const CircuitBreaker&) = delete;

  Admission acquire() override;
  BreakerDescription describe() const override;
  DetailedStatus detailed_status() override;
  std::string apply_override(const Override& override_, std::chrono::milliseconds lasts) override;
  void report_health(Health health) override;
  std::optional<Rejection> early_rejection(std::chrono::milliseconds wait) override;
  // From now on the breaker follows `policy`: state, generation, the failures in a row and a break under way go on. The
  // window is cleared if its size has changed, or if there was none. Results of calls in flight count. A config that
  // this breaker shares with others does not change. Throws as require_valid() does; then nothing has changed. The
  // policies of the past are kept until the destructor, some 200 bytes each.
  void reconfigure(const Policy& policy);

  State known_state() const override;
  bool is_evictable(std::chrono::milliseconds idle) const override;

  // Continues from another breaker's snapshot, in a new generation, which it returns. Results of earlier permits are
  // late; no listener is called.
  uint64_t resume_from(Snapshot snapshot, const Override& active_override);

  // Adds failures in a row that were counted elsewhere, while the circuit is closed. The next failure may open it.
  void count_elsewhere(int failures);

  uint64_t known_generation() const { return published_.word().generation(); }

 private:
  Settled settle(const PermitId& id, TimePoint started, Outcome outcome) override;
  bool count_quick_success(const PermitId& id, TimePoint started, ClockReading now);
  Admission acquire_locked();
  Settled settle_locked(const PermitId& id, TimePoint started, Outcome outcome);
  DetailedStatus status_locked(TimePoint now) const;
  bool holds_evidence(TimePoint now) const;
  void count_and_report_locked(const Reply& reply, const CallResult& result, StateGeneration where, TimePoint now);
  void publish(TimePoint now) { published_.publish(snapshot_, policy(), now); }

  // The hot path reads it without the lock, so none is ever destroyed before the breaker.
  const Policy& policy() const { return *policy_.load(std::memory_order_acquire); }
  TimePoint now() const { return config_->clock ? config_->clock() : steady_wall_clock(); }
  ClockReading coarse_now() const;

  void report(NoticeKind kind, const Transitions& transitions);

  const std::shared_ptr<const BreakerConfig> config_;
  const NoticeQueue notices_;
  std::string name_{};  // for people; set by constructors only
  std::atomic<const Policy*> policy_;
  std::atomic<bool> times_calls_;  // here and not a pointer away: every call reads it
  PublishedState published_;

  std::atomic<uint64_t> late_results_{0};
  std::atomic<uint64_t> slow_calls_{0};
  std::atomic<uint64_t> would_have_tripped_{0};
  mutable std::mutex mutex_;
  Snapshot snapshot_;                                // guarded by mutex_
  std::unique_ptr<const std::string> cause_;         // guarded by mutex_; of the latest transition, if there was one
  std::forward_list<Policy> policies_;               // guarded by mutex_; those of reconfigure()
  std::unique_ptr<const Override> active_override_;  // guarded by mutex_; the override behind snapshot_.mode
};

}  // namespace cb
