// A BreakerView is what one instance knows of a shared breaker: the newest answer of the script, and whether it would
// have heard of anything newer. What is read of it on the way of each call is lock-free.
// Thread-safe: every method.
// Invariants: its generation never goes back; it is `pushed` only while every change since the answer has been heard
// of.
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

// A stay in one word, so that it can be read at once.
class PackedState {
 public:
  PackedState() = default;
  PackedState(uint64_t generation, State state, bool reports_successes, bool is_overridden)
      : bits_(generation << 4 | (is_overridden ? overridden_bit : 0) | (reports_successes ? reports_successes_bit : 0) |
              static_cast<uint64_t>(state)) {}

  uint64_t generation() const { return bits_ >> 4; }
  State state() const { return static_cast<State>(bits_ & 3); }
  bool reports_successes() const { return (bits_ & reports_successes_bit) != 0; }  // Redis must hear of successes
  bool is_overridden() const { return (bits_ & overridden_bit) != 0; }             // a person's order is in force
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

class BreakerView {
 public:
  // What was so when a question was sent: its answer cannot know of what happened later.
  struct RequestStart {
    const PushStatus* push_status;
    uint64_t session;
    uint64_t invalidations;
  };

  explicit BreakerView(const PushStatus& push_status) : push_status_(&push_status) {}

  PackedState packed() const { return packed_.load(std::memory_order_acquire); }
  TimePoint admits_from() const { return admits_from_.load(std::memory_order_acquire); }

  // Whether nothing can have changed without our hearing of it.
  bool receives_pushes() const {
    const PushStatus* push_status = push_status_.load(std::memory_order_acquire);
    const uint64_t session = push_status->session.load(std::memory_order_acquire);
    return session != 0 && session == session_.load(std::memory_order_acquire) &&
           coarse_now() - push_status->confirmed_at.load(std::memory_order_relaxed) < longest_view_age.count();
  }

  // Whether it may be answered from: pushed, or asked for a short while ago in this era.
  bool is_usable(uint64_t period) const;

  // How long ago all of it was so; nothing: nobody has said anything yet.
  std::optional<std::chrono::milliseconds> age() const;

  RequestStart begin_request() const;

  // Takes in what the script said to a question of `era`. Returns whether that began a stay that was not known.
  bool apply(const ScriptReply& reply, const PushStatus& push_status, const RequestStart& request, uint64_t period);

  // Something was written: successes matter until it is known that they do not.
  void report_successes();

  LastKnown last_known() const;
  Override active_override() const;

  // For a breaker that goes on alone: the same stay, as far as it is known, in memory.
  Snapshot snapshot() const;

 private:
  struct Latest {
    uint64_t generation = 0;
    uint64_t epoch = 0;
    uint64_t run = 0;
    TimePoint now;  // Redis's
    int failures = 0;
    State state = State::closed;
    std::unique_ptr<const Override> active_override{};  // many breakers, few orders
  };

  bool is_outdated(const ScriptReply& reply) const;
  Mode mode() const { return latest_.active_override ? latest_.active_override->mode : Mode::automatic; }

  std::atomic<PackedState> packed_{};
  // Stored before packed_: whoever sees a stay's word sees its time, or a later one.
  std::atomic<TimePoint> admits_from_{};
  std::atomic<const PushStatus*> push_status_;
  std::atomic<uint64_t> session_{0};    // of push_status_, in which the answer was asked for
  std::atomic<int64_t> fetched_at_{0};  // coarse
  std::atomic<uint64_t> fetched_in_period_{0};
  std::atomic<int64_t> override_ends_at_{0};  // coarse; when an order ends. 0: it does not
  std::atomic<uint64_t> invalidations_{0};

  mutable std::mutex mutex_;
  Latest latest_;  // guarded by mutex_
};

}  // namespace cb
