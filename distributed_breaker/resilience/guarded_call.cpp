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

GuardedCall::GuardedCall(const CallPolicy& policy, milliseconds attempt_timeout, Surroundings surroundings)
    : policy_(valid(policy)),
      attempt_timeout_(valid_timeout(attempt_timeout)),
      surroundings_(std::move(surroundings)),
      backoff_(policy),
      fallback_(policy),
      budget_(policy.retry_budget),
      bulkhead_(policy),
      random_(surroundings_.seed) {}

std::optional<FallbackAnswer> GuardedCall::fallback_for(const Course& course, const std::string& good_body) {
  if (course.end != CallEnd::answered) return fallback_.answer(surroundings_.now());
  fallback_.remember(good_body, surroundings_.now());
  return std::nullopt;
}

Course GuardedCall::with_deadline(const OneAttempt& attempt) {
  return with_retries(Deadline::in(policy_.deadline, surroundings_.now()), attempt);
}

Course GuardedCall::with_retries(const Deadline& deadline, const OneAttempt& attempt) {
  for (int attempts = 0;;) {
    const auto end = in_slot(deadline, attempt);
    if (!end) return {deadline.over(surroundings_.now()) ? CallEnd::deadline_over : CallEnd::bulkhead_full, attempts};
    if (*end == AttemptEnd::refused) return {CallEnd::breaker_refused, attempts};
    // Not before the breaker has let it through: an open breaker would fill the bucket with calls never made.
    if (++attempts == 1) budget_.deposit();
    if (*end == AttemptEnd::answered) return {CallEnd::answered, attempts};
    if (*end == AttemptEnd::failed) return {CallEnd::failed, attempts};
    if (const auto obstacle = wait_for_retry(deadline, attempts)) return {*obstacle, attempts};
  }
}

// Nothing: the retry is paid for and its time has come. Otherwise why there is none.
std::optional<CallEnd> GuardedCall::wait_for_retry(const Deadline& deadline, int attempts) {
  const SteadyTime now = surroundings_.now();
  if (deadline.over(now)) return CallEnd::deadline_over;
  if (attempts == policy_.max_attempts) return CallEnd::failed;
  const milliseconds wait = draw_wait(attempts);
  if (deadline.over(now + wait)) return CallEnd::deadline_over;  // now, rather than after a wait for nothing
  if (!budget_.withdraw()) return CallEnd::retry_budget_empty;
  surroundings_.sleep(wait);
  return std::nullopt;
}

// Nothing: there was no slot, or no time was left in it.
std::optional<AttemptEnd> GuardedCall::in_slot(const Deadline& deadline, const OneAttempt& attempt) {
  const auto slot = bulkhead_.enter(deadline);
  const SteadyTime now = surroundings_.now();
  if (!slot || deadline.over(now)) return std::nullopt;
  return attempt(deadline.earlier(attempt_timeout_, now));
}

milliseconds GuardedCall::draw_wait(int retry) {
  const std::scoped_lock lock(random_mutex_);
  return backoff_.wait_before(retry, random_);
}

}  // namespace cb
