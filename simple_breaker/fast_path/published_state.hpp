// A PublishedState is what a CircuitBreaker's fast path reads without the lock: enough of the snapshot to admit, reject
// or count a success as the table would. publish() and collect_into() run under the breaker's lock; the rest anywhere.
// Ordering: publish() stores the word last and readers load it first, so a thread that sees a generation's word sees
// that generation's times, or later ones. Later ones are excluded by loading the word again: unchanged, it proves that
// the time belongs to it. In any doubt the caller takes the lock.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>

#include "simple_breaker/breaker.hpp"
#include "simple_breaker/clock.hpp"
#include "simple_breaker/fast_path/striped_counter.hpp"
#include "simple_breaker/policies/sliding_window.hpp"
#include "simple_breaker/policy.hpp"
#include "simple_breaker/state_machine.hpp"

namespace cb {

class PublishedState {
 public:
  // Generation << 3 | needs_table << 2 | state. A generation is a time in microseconds and needs 51 bits.
  class Word {
   public:
    explicit Word(uint64_t bits) : bits_(bits) {}

    // A success changes nothing but the window while the circuit is closed without failures in a row or an override.
    explicit Word(const Snapshot& snapshot) : bits_(snapshot.generation << 3 | static_cast<uint64_t>(snapshot.state)) {
      if (snapshot.counts.failures != 0 || snapshot.mode != Mode::automatic) bits_ |= needs_table_bit;
    }

    State state() const { return static_cast<State>(bits_ & 3); }
    uint64_t generation() const { return bits_ >> 3; }
    uint64_t bits() const { return bits_; }

    static constexpr uint64_t closed_and_clean(uint64_t generation) {
      return generation << 3 | static_cast<uint64_t>(State::closed);
    }

   private:
    static constexpr uint64_t needs_table_bit = 4;
    uint64_t bits_;
  };

  explicit PublishedState(const Policy& policy) : counts_successes_(policy.keeps_window()) {}

  Word word() const { return Word(word_.load(std::memory_order_acquire)); }

  // Before this instant every call is rejected. min(): the table has to decide, because `word` is no longer current or
  // the clock was set back.
  TimePoint rejects_until(Word word, TimePoint now) const {
    const TimePoint until = admits_from_.load(std::memory_order_acquire);
    const bool is_current =
        now >= published_at_.load(std::memory_order_acquire) && word_.load(std::memory_order_acquire) == word.bits();
    return is_current ? until : TimePoint::min();
  }

  // True if a success of this generation changes nothing, except that it may have to be counted in the window.
  bool expects_success(uint64_t generation) const {
    return word_.load(std::memory_order_acquire) == Word::closed_and_clean(generation);
  }

  // Counts a success of this generation in the newest bucket, where the policy keeps a window; false: `now` may be
  // beyond that bucket, or the clock may have been set back, or the generation is over. If `now` is exact, the table
  // has to count it.
  bool count_success(uint64_t generation, ClockReading now) {
    if (now.latest >= count_until_.load(std::memory_order_acquire)) return false;
    if (now.earliest < published_at_.load(std::memory_order_acquire)) return false;
    const auto is_current = [&] { return word().generation() == generation; };
    return !counts_successes() || successes_.add_one(generation, is_current).counted;
  }

  bool counts_successes() const { return counts_successes_.load(std::memory_order_relaxed); }

  bool has_uncollected() const { return !successes_.is_empty(); }

  // Moves the successes counted since the last call into the snapshot's window: they all belong to its newest bucket.
  void collect_into(Snapshot& snapshot) {
    if (const uint64_t calls = successes_.take(snapshot.generation).count; calls > 0)
      add(snapshot.counts.window, {calls, 0, 0});
  }

  void publish(const Snapshot& snapshot, const Policy& policy, TimePoint now) {
    counts_successes_.store(policy.keeps_window(), std::memory_order_relaxed);
    published_at_.store(now, std::memory_order_release);
    admits_from_.store(admits_from(snapshot, policy), std::memory_order_release);
    count_until_.store(count_until(snapshot, policy), std::memory_order_release);
    word_.store(Word(snapshot).bits(), std::memory_order_release);
  }

 private:
  static TimePoint count_until(const Snapshot& snapshot, const Policy& policy) {
    if (!policy.keeps_window()) return never;  // nothing to count
    const TimePoint end = end_of_bucket(snapshot.counts.window.newest, policy.sliding_window_size);
    return policy.clear_interval.count() == 0 ? end : std::min(end, snapshot.counts.clear_at);
  }

  std::atomic<uint64_t> word_{0};
  std::atomic<TimePoint> admits_from_{TimePoint{}};
  std::atomic<TimePoint> count_until_{TimePoint{}};
  std::atomic<TimePoint> published_at_{TimePoint{}};
  std::atomic<bool> counts_successes_;
  StripedCounter successes_;  // in the newest bucket, not yet in the snapshot
};

}  // namespace cb
