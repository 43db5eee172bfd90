// FailureCounts is what a closed circuit counts: failures in a row, and the calls of a sliding window. cause_to_open()
// says whether that is reason enough to open. Pure: no clock, no lock; nothing here throws.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "simple_breaker/breaker.hpp"
#include "simple_breaker/policies/sliding_window.hpp"
#include "simple_breaker/policy.hpp"

namespace cb {

// How a call ended, and how long it took; 0 where the breaker does not measure that.
struct CallResult {
  Outcome outcome = Outcome::ignored;
  std::chrono::microseconds took{0};
};

struct FailureCounts {
  int failures = 0;      // in a row
  SlidingWindow window;  // counts only where the policy keeps one
  TimePoint clear_at;    // when clear_interval clears all this; the epoch: not scheduled
  bool operator==(const FailureCounts&) const = default;
};

// Inline: the fast path asks too.
inline bool is_slow(const CallResult& result, const Policy& policy) {
  return policy.slow_call_duration_threshold.count() > 0 && result.took >= policy.slow_call_duration_threshold;
}

// Records a call that was not ignored: clears what is due, counts the call, schedules the next clearing. `times`: as
// many calls with the same result.
void record(FailureCounts& counts, const Policy& policy, const CallResult& result, TimePoint now, uint64_t times = 1);

// Why the circuit should open: "3 consecutive failures", "6 of 10 calls failed". Call it only after a failed or slow
// call: a good call never opens a circuit, even if it completes minimum_number_of_calls.
std::optional<std::string> cause_to_open(const FailureCounts& counts, const Policy& policy);

// The window's total at `now`; zero if the policy keeps no window.
CallCounts recent(const FailureCounts& counts, const Policy& policy, TimePoint now);

// "1 failure", "2 failures"
std::string plural(uint64_t count, const std::string& thing);

}  // namespace cb
