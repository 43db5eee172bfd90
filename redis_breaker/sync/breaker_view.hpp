// A BreakerView is an instance's cached view of a shared breaker: the newest reply of the script, and whether pushes
// would have announced anything newer. What every call reads of it is lock-free.
// Thread-safe: every method.
// Invariants: its generation never decreases; receives_pushes() is true only if every change since the cached reply
// would have been announced.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>

#include "redis_breaker/script/breaker_script.hpp"
#include "redis_breaker/sync/push_status.hpp"
#include "simple_breaker/breaker.hpp"
#include "simple_breaker/state_machine.hpp"

namespace cb {

// The state, its generation and two flags packed into one word, to be read atomically.
class PackedState {
 public:
  PackedState() = default;
  PackedState(uint64_t generation, State state, bool reports_successes, bool is_overridden)
      : bits_(generation << 4 | (is_overridden ? overridden_bit : 0) | (reports_successes ? reports_successes_bit : 0) |
              static_cast<uint64_t>(state)) {}

  uint64_t generation() const { return bits_ >> 4; }
  State state() const { return static_cast<State>(bits_ & 3); }
  bool reports_successes() const { return (bits_ & reports_successes_bit) != 0; }  // Redis needs to know of them
  bool is_overridden() const { return (bits_ & overridden_bit) != 0; }
  bool is_known() const { return generation() != 0; }
  bool admits_all() const {
    return (bits_ & (3 | overridden_bit)) == static_cast<uint64_t>(State::closed) && is_known();
  }
  PackedState reporting_successes() const { return PackedState(generation(), state(), true, is_overridden()); }
  bool operator==(const PackedState&) const = default;

 private:
  static constexpr uint64_t reports_successes_bit = 4;
  static constexpr uint64_t overridden_bit = 8;
  uint64_t bits_ = 0;
};

// The shared breaker as an instance knew it at one moment.
struct SharedState {
  Snapshot snapshot;  // half-open as open: which calls hold the probes is unknown, only until when
  Override active_override;
  uint64_t epoch = 0;
  uint64_t run = 0;
  uint64_t version = 0;  // of the view
};

class BreakerView {
 public:
  // The push status when a request was sent: its reply cannot reflect later changes.
  struct RequestStart {
    const PushStatus* push_status;
    uint64_t session;
    uint64_t invalidations;
    int64_t at;  // coarse
  };

  explicit BreakerView(const PushStatus& push_status) : push_status_(&push_status) {}

  PackedState packed() const { return packed_.load(std::memory_order_acquire); }

  // The newest state if no change can have gone unannounced; otherwise an unknown one. Freshness is read first: the
  // state is then at least as new. The other way round, a stale state would pass if the view became fresh in between.
  PackedState fresh() const { return receives_pushes() ? packed() : PackedState(); }

  TimePoint admits_from() const { return admits_from_.load(std::memory_order_acquire); }

  // True if no change can have gone unannounced.
  bool receives_pushes() const {
    const PushStatus* push_status = push_status_.load(std::memory_order_acquire);
    const uint64_t session = push_status->session.load(std::memory_order_acquire);
    return session != 0 && session == session_.load(std::memory_order_acquire) &&
           coarse_now() - push_status->confirmed_at.load(std::memory_order_relaxed) < longest_view_age.count();
  }

  // True if calls may be answered from it: kept fresh by push, or fetched less than a second ago in this period.
  bool is_usable(uint64_t period) const;

  // The age of the newest confirmation; nothing before the first reply.
  std::optional<std::chrono::milliseconds> age() const;

  RequestStart begin_request() const;

  // Applies the reply to a request that was sent in `period`. Returns true if it brought a new generation.
  bool apply(const ScriptReply& reply, const PushStatus& push_status, const RequestStart& request, uint64_t period);

  // A key was written: successes must be reported until a reply shows that they need not be.
  void report_successes();

  // The same, whatever the replies say.
  void report_every_success();
  void stop_reporting_every_success();
  bool reports_every_success() const { return reports_every_success_.load(std::memory_order_relaxed); }

  LastKnown last_known() const;

  // For the local breaker that takes over while Redis is unavailable.
  SharedState shared_state() const;

  // Increases with every reply that is applied.
  uint64_t version() const { return version_.load(std::memory_order_acquire); }

 private:
  struct Latest {
    uint64_t generation = 0;
    uint64_t epoch = 0;
    uint64_t run = 0;
    Removals removals;       // by that server
    int64_t counted_at = 0;  // coarse: when they were counted; 0: never
    TimePoint now;           // Redis's clock
    int failures = 0;
    State state = State::closed;
    std::unique_ptr<const Override> active_override{};  // a pointer: there are many breakers and few overrides
  };

  bool is_outdated(const ScriptReply& reply) const;
  Snapshot snapshot() const;
  Mode mode() const { return latest_.active_override ? latest_.active_override->mode : Mode::automatic; }

  std::atomic<PackedState> packed_{};
  // Stored before packed_: a thread that reads a generation's word also sees its time, or a newer one.
  std::atomic<TimePoint> admits_from_{};
  std::atomic<const PushStatus*> push_status_;
  std::atomic<uint64_t> session_{0};    // the session of push_status_ in which it was requested
  std::atomic<int64_t> fetched_at_{0};  // coarse; it was true then, of the server that the address led to
  std::atomic<uint64_t> fetched_in_period_{0};
  std::atomic<int64_t> override_ends_at_{0};  // coarse; 0: never
  std::atomic<uint64_t> invalidations_{0};
  std::atomic<uint64_t> version_{0};
  std::atomic<bool> reports_every_success_{false};  // changes under mutex_

  mutable std::mutex mutex_;
  Latest latest_;  // guarded by mutex_
};

}  // namespace cb
