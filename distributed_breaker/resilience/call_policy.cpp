#include "distributed_breaker/resilience/call_policy.hpp"

#include <array>
#include <optional>

namespace cb {
namespace {

using std::chrono::milliseconds;

constexpr double an_hour = 3'600'000;
constexpr double most_calls = 10'000;
constexpr size_t most_answer_bytes = 4096;

constexpr std::string_view around_the_call = "Around the call";

constexpr std::array<Setting<CallPolicy>, 9> all_settings{{
    {"deadline", "Upper limit for the whole call: attempts, queueing and backoff", "no deadline", &CallPolicy::deadline,
     0, an_hour, around_the_call},
    {"max_attempts", "Attempts including the first; 1: no retries", "", &CallPolicy::max_attempts, 1, 10,
     around_the_call},
    {"retry_backoff", "The wait before the first retry", "retries follow at once", &CallPolicy::retry_backoff, 0,
     an_hour, around_the_call},
    {"retry_backoff_multiplier", "Factor from one wait to the next", "", &CallPolicy::retry_backoff_multiplier, 1, 10,
     around_the_call},
    {"retry_backoff_maximum", "Upper limit of the wait before a retry", "only with a backoff of 0",
     &CallPolicy::retry_backoff_maximum, 0, an_hour, around_the_call},
    {"retry_jitter", "Random share, 0 to 1, by which a wait is shortened", "waits are exact", &CallPolicy::retry_jitter,
     0, 1, around_the_call},
    {"retry_budget", "Retries allowed per call over time, 0 to 1", "every retry is made", &CallPolicy::retry_budget, 0,
     1, around_the_call},
    {"max_concurrent_calls", "Attempts in flight at once", "no bulkhead", &CallPolicy::max_concurrent_calls, 0,
     most_calls, around_the_call},
    {"max_queued_calls", "Calls that may wait for a slot of the bulkhead", "a call that finds no slot is refused",
     &CallPolicy::max_queued_calls, 0, most_calls, around_the_call},
}};

std::optional<std::string> fault_of_fallback(const CallPolicy& policy) {
  const size_t size = policy.fallback_answer.size();
  if (policy.fallback != Fallback::fixed) {
    if (size == 0) return std::nullopt;
    return "fallback_answer is given; it must be absent unless fallback is fixed";
  }
  if (size >= 1 && size <= most_answer_bytes) return std::nullopt;
  return "fallback_answer is " + std::to_string(size) + " bytes long; with fallback fixed it must be 1 to " +
         std::to_string(most_answer_bytes);
}

std::optional<std::string> fault_of_backoff(const CallPolicy& policy) {
  if (policy.retry_backoff <= policy.retry_backoff_maximum) return std::nullopt;
  const auto in_ms = [](milliseconds duration) { return std::to_string(duration.count()) + "ms"; };
  return "retry_backoff is " + in_ms(policy.retry_backoff) + "; it must be at most retry_backoff_maximum, " +
         in_ms(policy.retry_backoff_maximum);
}

// A queue without a bulkhead would silently do nothing.
std::optional<std::string> fault_of_queue(const CallPolicy& policy) {
  if (policy.max_queued_calls <= 0 || policy.max_concurrent_calls != 0) return std::nullopt;
  return "max_queued_calls is " + std::to_string(policy.max_queued_calls) +
         "; it must be 0 unless max_concurrent_calls is at least 1";
}

}  // namespace

std::string_view to_text(Fallback fallback) {
  constexpr std::array<std::string_view, 3> names{"none", "fixed", "last_good"};
  return names[static_cast<size_t>(fallback)];
}

std::span<const Setting<CallPolicy>> call_settings() { return all_settings; }

std::vector<std::string> validate(const CallPolicy& policy) {
  std::vector<std::string> faults = out_of_range(policy, call_settings());
  for (const auto fault_of : {fault_of_backoff, fault_of_queue, fault_of_fallback}) {
    if (auto fault = fault_of(policy)) faults.push_back(*std::move(fault));
  }
  return faults;
}

void require_valid(const CallPolicy& policy) { require_none(validate(policy)); }

}  // namespace cb
