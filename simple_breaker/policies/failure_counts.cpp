#include "simple_breaker/policies/failure_counts.hpp"

#include <algorithm>

namespace cb {
namespace {

constexpr int most_failures = 999'999'999;  // a count that nothing stops has to stop somewhere

bool reached(int64_t part, int64_t of, double threshold) {
  return threshold > 0 && static_cast<double>(part) / static_cast<double>(of) >= threshold;
}

std::string share(int64_t part, int64_t of, const std::string& what) {
  return std::to_string(part) + " of " + plural(of, "call") + " " + what;
}

}  // namespace

bool is_slow(const CallResult& result, const Policy& policy) {
  return policy.slow_call_duration_threshold.count() > 0 && result.took >= policy.slow_call_duration_threshold;
}

void record(FailureCounts& counts, const Policy& policy, const CallResult& result, TimePoint now) {
  const bool failed = result.outcome == Outcome::failure;
  if (!failed && counts.failures == 0 && !policy.keeps_window()) return;  // nothing to count, nothing to forget
  if (counts.clear_at != TimePoint{} && now >= counts.clear_at) counts = {};
  counts.failures = failed ? std::min(counts.failures + 1, most_failures) : 0;
  if (!failed && !policy.keeps_window()) counts.clear_at = {};  // nothing is left to forget
  if (policy.keeps_window()) {
    move_to(counts.window, bucket_at(now, policy.sliding_window_size));
    add(counts.window, {1, failed ? 1U : 0U, is_slow(result, policy) ? 1U : 0U});
  }
  const bool something_to_forget = failed || policy.keeps_window();
  if (policy.clear_interval.count() > 0 && counts.clear_at == TimePoint{} && something_to_forget) {
    counts.clear_at = now + policy.clear_interval;
  }
}

std::optional<std::string> cause_to_open(const FailureCounts& counts, const Policy& policy) {
  if (policy.failure_threshold > 0 && counts.failures >= policy.failure_threshold) {
    return plural(counts.failures, "consecutive failure");
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

std::string plural(int64_t count, const std::string& thing) {
  return std::to_string(count) + " " + thing + (count == 1 ? "" : "s");
}

}  // namespace cb
