#include "distributed_breaker/resilience/guarded_call.hpp"

#include <array>
#include <stdexcept>

namespace cb {
namespace {

using std::chrono::milliseconds;

const CallPolicy& valid(const CallPolicy& policy) {
  require_valid(policy);
  return policy;
}

milliseconds valid_timeout(milliseconds timeout) {
  if (timeout >= milliseconds(1)) return timeout;
  throw std::invalid_argument("attempt_timeout is " + std::to_string(timeout.count()) + "ms; it must be at least 1ms");
}

}  // namespace

std::string_view to_text(CallEnd end) {
  constexpr std::array<std::string_view, 6> names{"answered",      "failed",        "breaker_refused",
                                                  "bulkhead_full", "deadline_over", "retry_budget_empty"};
  return names[static_cast<size_t>(end)];
}

GuardedCall::GuardedCall(const CallPolicy& policy, milliseconds attempt_timeout, Environment environment)
    : policy_(valid(policy)),
      attempt_timeout_(valid_timeout(attempt_timeout)),
      environment_(std::move(environment)),
      backoff_(policy),
      fallback_(policy),
      budget_(policy.retry_budget),
      bulkhead_(policy),
      random_(environment_.seed) {}

CallSummary GuardedCall::with_retries(const AttemptOnce& attempt) {
  const Deadline deadline = Deadline::in(policy_.deadline, environment_.now());
  for (int attempts = 0;;) {
    const auto end = in_slot(deadline, attempt);
    if (!end) return {deadline.over(environment_.now()) ? CallEnd::deadline_over : CallEnd::bulkhead_full, attempts};
    if (*end == AttemptEnd::refused) return {CallEnd::breaker_refused, attempts};
    // Only after the breaker admitted the attempt: calls that it rejects must not earn retries.
    if (++attempts == 1) budget_.deposit();
    if (*end == AttemptEnd::answered) return {CallEnd::answered, attempts};
    if (*end == AttemptEnd::failed) return {CallEnd::failed, attempts};
    if (const auto obstacle = wait_for_retry(deadline, attempts)) return {*obstacle, attempts};
  }
}

// std::nullopt: no slot was free, or the deadline has passed.
std::optional<AttemptEnd> GuardedCall::in_slot(const Deadline& deadline, const AttemptOnce& attempt) {
  const auto slot = bulkhead_.enter(deadline);
  const SteadyTime now = environment_.now();
  if (!slot || deadline.over(now)) return std::nullopt;
  return attempt(deadline.earlier(attempt_timeout_, now));
}

// Waits out the backoff and takes a token, or returns what prevents the retry.
std::optional<CallEnd> GuardedCall::wait_for_retry(const Deadline& deadline, int attempts) {
  const SteadyTime now = environment_.now();
  if (deadline.over(now)) return CallEnd::deadline_over;
  if (attempts == policy_.max_attempts) return CallEnd::failed;
  const milliseconds wait = next_wait(attempts);
  if (deadline.over(now + wait)) return CallEnd::deadline_over;  // do not wait in vain
  if (!budget_.withdraw()) return CallEnd::retry_budget_empty;
  environment_.sleep(wait);
  return std::nullopt;
}

milliseconds GuardedCall::next_wait(int retry) {
  const std::scoped_lock lock(random_mutex_);
  return backoff_.wait_before(retry, random_);
}

std::optional<FallbackAnswer> GuardedCall::fallback_for(CallEnd end, const std::string& good_body) {
  if (end != CallEnd::answered) return fallback_.answer(environment_.now());
  fallback_.remember(good_body, environment_.now());
  return std::nullopt;
}

}  // namespace cb
