// A FailureCounts is what a closed circuit has counted, and whether that is reason enough to open: failures in a row,
// and the rates of failed and slow calls over a sliding window. Pure: no clock, no lock; nothing here throws.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "simple_breaker/breaker.hpp"
#include "simple_breaker/policies/sliding_window.hpp"
#include "simple_breaker/policy.hpp"

namespace cb {

// How a call ended. A breaker that knows how long it took can judge whether it was slow.
struct CallResult {
  Outcome outcome = Outcome::ignored;
  std::chrono::microseconds took{0};
};

struct FailureCounts {
  int failures = 0;      // in a row
  SlidingWindow window;  // counts only where the policy keeps one
  TimePoint clear_at;    // from then on all this is forgotten; the epoch: nothing to forget, or never
  bool operator==(const FailureCounts&) const = default;
};

bool is_slow(const CallResult& result, const Policy& policy);

// A call has ended, and was not ignored.
void record(FailureCounts& counts, const Policy& policy, const CallResult& result, TimePoint now);

// Why the circuit should open: "3 consecutive failures", "6 of 10 calls failed". To be asked after a failed or slow
// call: a good one never opens a circuit, even if it is the one that makes the window large enough to judge by.
std::optional<std::string> cause_to_open(const FailureCounts& counts, const Policy& policy);

// What the window holds at `now`; nothing where the policy keeps none.
CallCounts recent(const FailureCounts& counts, const Policy& policy, TimePoint now);

// "1 failure", "2 failures"
std::string plural(int64_t count, const std::string& thing);

}  // namespace cb
