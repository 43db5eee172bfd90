// A PublishedView is what every call reads of a cached view, without a lock, and what it counts.
// publish() runs under the breaker's lock; the rest anywhere.
// Ordering: publish() stores a state's end before the state, and what makes it fresh after it. So a reader that finds
// the view fresh sees that state, or a newer one.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>

#include "redis_breaker/cached_core.hpp"
#include "redis_breaker/sync/push_status.hpp"
#include "simple_breaker/clock.hpp"
#include "simple_breaker/fast_path/striped_counter.hpp"

namespace cb {

class PublishedView {
 public:
  // The state, its generation and two flags, in one word.
  class Word {
   public:
    explicit Word(uint64_t bits) : bits_(bits) {}
    explicit Word(const CachedView& view)
        : bits_(view.generation << 4 | (view.is_overridden ? overridden_bit : 0) |
                (view.reports_successes ? reports_bit : 0) | static_cast<uint64_t>(view.state)) {}
    static Word quiet(uint64_t generation) { return Word(generation << 4); }  // closed, and successes change nothing

    uint64_t bits() const { return bits_; }
    uint64_t generation() const { return bits_ >> 4; }
    State state() const { return static_cast<State>(bits_ & 3); }
    bool reports_successes() const { return (bits_ & reports_bit) != 0; }
    bool is_overridden() const { return (bits_ & overridden_bit) != 0; }
    bool admits_all() const { return (bits_ & (3 | overridden_bit)) == 0 && bits_ >> 4 != 0; }
    bool operator==(const Word&) const = default;

   private:
    static constexpr uint64_t reports_bit = 4;
    static constexpr uint64_t overridden_bit = 8;
    uint64_t bits_;
  };

  PublishedView(const Policy& policy, const PushStatus& pushes)
      : times_calls_(policy.slow_call_duration_threshold.count() > 0),
        counts_calls_(policy.keeps_window()),
        pushes_(&pushes) {}

  Word word() const { return Word(word_.load(std::memory_order_acquire)); }
  uint64_t version() const { return version_.load(std::memory_order_acquire); }
  TimePoint admits_from() const { return admits_from_.load(std::memory_order_acquire); }
  Feed feed() const { return pushes_.load(std::memory_order_acquire)->feed(); }

  // True if no change can have gone unannounced.
  bool is_fresh(SteadyTime now = coarse_steady_time()) const {
    const PushStatus& pushes = *pushes_.load(std::memory_order_acquire);
    const uint64_t session = pushes.session.load(std::memory_order_acquire);
    return session != 0 && session == session_.load(std::memory_order_acquire) &&
           now - pushes.confirmed_at.load(std::memory_order_relaxed) < CachedView::longest_age;
  }

  // The permit that a call gets from a fresh view of a closed circuit. Freshness is read first: the state is then at
  // least as new. The other way round, a stale state would pass if the view became fresh in between.
  std::optional<PermitId> admits_at_once(SteadyTime now) const {
    if (!is_fresh(now)) return std::nullopt;
    const Word seen = word();
    return seen.admits_all() ? std::optional(PermitId{seen.generation(), 0}) : std::nullopt;
  }

  // The rejection that a call gets from a fresh view. Nothing: the core decides, also about overrides.
  std::optional<Rejection> rejects_at_once(SteadyTime time, const Policy& policy) const {
    const Word seen = word();
    if (seen.state() == State::closed || seen.is_overridden()) return std::nullopt;
    const TimePoint now = wall_time(time);
    const TimePoint from = is_asking_.load(std::memory_order_acquire) ? TimePoint::max() : admits_from();
    if (!is_fresh(time) || now >= from || word() != seen)
      return std::nullopt;  // changed: `from` belongs to another state
    return Rejection{seen.state(), retry_after(seen.state(), from == TimePoint::max() ? now : from, now, policy)};
  }

  // True if a success with this permit changes nothing anywhere.
  bool ignores_success(const PermitId& permit) const {
    return !times_calls_ && !counts_calls_ && word() == Word::quiet(permit.generation);
  }

  // A success that changes no more than counts. Nothing: it has to be settled.
  // `must_report`: the first one since the last report.
  struct Counted {
    bool is_late = false;
    bool must_report = false;
    uint32_t older = 0;  // successes of an older generation that this one displaced
  };
  std::optional<Counted> count_success(const PermitId& permit) {
    const Word seen = word();
    if (permit.probe != 0 || permit.generation != seen.generation()) return std::nullopt;
    if (!counts_calls_ && !seen.reports_successes()) return Counted{};
    const auto is_current = [&] { return word().generation() == permit.generation; };
    const auto [counted, older] = successes_.add_one(permit.generation, is_current);
    if (!counted) return Counted{true, false, older};
    const bool is_first = !will_report_.load(std::memory_order_relaxed) && !will_report_.exchange(true);
    return Counted{false, is_first, older};
  }

  StripedCounter::Taken take_successes(uint64_t generation) {
    will_report_ = false;
    return successes_.take(generation);
  }
  bool has_successes() const { return !successes_.is_empty(); }

  bool times_calls() const { return times_calls_; }

  // The feed of the node that answered last. Before publish(): a session belongs to one feed.
  void listen_to(const PushStatus& pushes) { pushes_.store(&pushes, std::memory_order_release); }

  void publish(const CachedView& view) {
    is_asking_.store(view.is_asking, std::memory_order_release);
    admits_from_.store(view.admits_from, std::memory_order_release);
    word_.store(Word(view).bits(), std::memory_order_release);
    session_.store(view.session, std::memory_order_release);
    version_.store(view.version, std::memory_order_release);
  }

 private:
  const bool times_calls_;
  const bool counts_calls_;
  std::atomic<uint64_t> word_{0};
  std::atomic<TimePoint> admits_from_{TimePoint{}};
  std::atomic<bool> is_asking_{false};
  std::atomic<const PushStatus*> pushes_;
  std::atomic<uint64_t> session_{0};
  std::atomic<uint64_t> version_{1};
  StripedCounter successes_;  // not yet reported
  std::atomic<bool> will_report_{false};
};

}  // namespace cb
