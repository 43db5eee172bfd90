#include "simple_breaker/policies/failure_counts.hpp"

#include <algorithm>

namespace cb {
namespace {

constexpr int most_failures = 999'999'999;  // the only bound while forced closed, or with failure_threshold 0

bool reached(uint64_t part, uint64_t of, double threshold) {
  return threshold > 0 && static_cast<double>(part) / static_cast<double>(of) >= threshold;
}

std::string share(uint64_t part, uint64_t of, const std::string& what) {
  return std::to_string(part) + " of " + plural(of, "call") + " " + what;
}

void clear_if_due(FailureCounts& counts, TimePoint now) {
  if (counts.clear_at != TimePoint{} && now >= counts.clear_at) counts = {};
}

void count_in_window(SlidingWindow& window, const Policy& policy, const CallResult& result, TimePoint now,
                     uint64_t times) {
  move_to(window, bucket_at(now, policy.sliding_window_size));
  add(window, {times, result.outcome == Outcome::failure ? times : 0, is_slow(result, policy) ? times : 0});
}

// clear_interval runs from the first call counted. A success that leaves nothing to clear stops it.
void schedule_clearing(FailureCounts& counts, const Policy& policy, TimePoint now) {
  const bool is_empty = counts.failures == 0 && !policy.keeps_window();
  const bool is_scheduled = counts.clear_at != TimePoint{};
  if (is_empty) {
    counts.clear_at = {};
  } else if (policy.clear_interval.count() > 0 && !is_scheduled) {
    counts.clear_at = now + policy.clear_interval;
  }
}

}  // namespace

void record(FailureCounts& counts, const Policy& policy, const CallResult& result, TimePoint now, uint64_t times) {
  const bool failed = result.outcome == Outcome::failure;
  if (!failed && counts.failures == 0 && !policy.keeps_window()) return;  // nothing to count, nothing to reset
  clear_if_due(counts, now);
  const auto more = static_cast<int>(std::min<uint64_t>(times, most_failures));
  counts.failures = failed ? std::min(counts.failures + more, most_failures) : 0;
  if (policy.keeps_window()) count_in_window(counts.window, policy, result, now, times);
  schedule_clearing(counts, policy, now);
}

std::optional<std::string> cause_to_open(const FailureCounts& counts, const Policy& policy) {
  if (policy.failure_threshold > 0 && counts.failures >= policy.failure_threshold) {
    return plural(static_cast<uint64_t>(counts.failures), "consecutive failure");
  }
  const CallCounts recent = total(counts.window);
  if (recent.calls < static_cast<uint64_t>(policy.minimum_number_of_calls)) return std::nullopt;
  if (reached(recent.failures, recent.calls, policy.failure_rate_threshold)) {
    return share(recent.failures, recent.calls, "failed");
  }
  if (reached(recent.slow, recent.calls, policy.slow_call_rate_threshold)) {
    return share(recent.slow, recent.calls, "were slow");
  }
  return std::nullopt;
}

CallCounts recent(const FailureCounts& counts, const Policy& policy, TimePoint now) {
  if (!policy.keeps_window()) return {};
  SlidingWindow window = counts.window;
  move_to(window, bucket_at(now, policy.sliding_window_size));
  return total(window);
}

std::string plural(uint64_t count, const std::string& thing) {
  return std::to_string(count) + " " + thing + (count == 1 ? "" : "s");
}

}  // namespace cb
