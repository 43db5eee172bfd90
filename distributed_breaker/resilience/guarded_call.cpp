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

// Of a call that makes no further attempt. StepOutcome: std::variant<AttemptEnd, Rejection, CallEnd>.
template <class StepOutcome>
CallSummary summary_of(const StepOutcome& outcome, int attempts) {
  if (const auto* rejection = std::get_if<Rejection>(&outcome)) return {CallEnd::breaker_refused, attempts, *rejection};
  if (const auto* end = std::get_if<CallEnd>(&outcome)) return {*end, attempts};
  const bool answered = std::get<AttemptEnd>(outcome) == AttemptEnd::answered;
  return {answered ? CallEnd::answered : CallEnd::failed, attempts};
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

CallSummary GuardedCall::with_retries(const AttemptOnce& attempt, const CallContext& context) {
  const Deadline deadline = Deadline::in(policy_.deadline, environment_.now());
  for (int attempts = 0;;) {
    StepOutcome outcome = in_slot(deadline, attempt, context);
    // Only after the breaker admitted the attempt: calls that it rejects must not earn retries.
    if (std::holds_alternative<AttemptEnd>(outcome) && ++attempts == 1) budget_.deposit();
    if (outcome == StepOutcome(AttemptEnd::failed_may_retry)) {
      const auto obstacle = wait_for_retry(deadline, attempts, context);
      if (!obstacle) continue;
      outcome = *obstacle;
    }
    return summary_of(outcome, attempts);
  }
}

// Looks at the breaker before and after the queue: an open circuit rejects at once, and rather than the bulkhead.
GuardedCall::StepOutcome GuardedCall::in_slot(const Deadline& deadline, const AttemptOnce& attempt,
                                              const CallContext& context) {
  if (const auto rejection = rejection_before_queue(context)) return *rejection;
  const auto slot = bulkhead_.enter(deadline);
  const SteadyTime now = environment_.now();
  if (slot && !deadline.over(now)) return timed(deadline.earlier(attempt_timeout_, now), attempt);
  if (const auto rejection = rejection_before_queue(context)) return *rejection;
  return deadline.over(now) ? CallEnd::deadline_over : CallEnd::bulkhead_full;
}

// Without a bulkhead there is no queue, and the attempt itself asks the breaker.
std::optional<Rejection> GuardedCall::rejection_before_queue(const CallContext& context) const {
  return policy_.max_concurrent_calls == 0 ? std::nullopt : context.early_rejection(milliseconds(0));
}

// Makes the attempt, and lets the bulkhead know how long it took.
GuardedCall::StepOutcome GuardedCall::timed(milliseconds timeout, const AttemptOnce& attempt) {
  const SteadyTime start = environment_.now();
  const AttemptOnceOutcome outcome = attempt(timeout);
  if (const auto* rejection = std::get_if<Rejection>(&outcome)) return *rejection;
  const SteadyTime::duration took = environment_.now() - start;
  const AttemptEnd end = std::get<AttemptEnd>(outcome);
  if (end == AttemptEnd::failed_may_retry && took >= timeout) {
    bulkhead_.no_answer_within(timeout);
  } else {
    bulkhead_.attempt_took(took);
  }
  return end;
}

// Waits out the backoff and takes a token, or returns what prevents the retry.
std::optional<GuardedCall::StepOutcome> GuardedCall::wait_for_retry(const Deadline& deadline, int attempts,
                                                                    const CallContext& context) {
  const SteadyTime now = environment_.now();
  if (deadline.over(now)) return CallEnd::deadline_over;
  if (attempts == policy_.max_attempts) return CallEnd::failed;
  const milliseconds wait = next_wait(attempts);
  // Do not wait in vain.
  if (const auto rejection = context.early_rejection(wait)) return *rejection;
  if (deadline.over(now + wait)) return CallEnd::deadline_over;
  if (!budget_.withdraw()) return CallEnd::retry_budget_empty;
  environment_.sleep(wait);
  return std::nullopt;
}

milliseconds GuardedCall::next_wait(int retry) {
  const std::scoped_lock lock(random_mutex_);
  return backoff_.wait_before(retry, random_);
}

std::optional<FallbackAnswer> GuardedCall::fallback_for(const std::string& tenant, CallEnd end,
                                                        const std::string& good_body) {
  if (end != CallEnd::answered) {
    auto answer = fallback_.answer(tenant, environment_.now());
    if (answer) fallbacks_served_.fetch_add(1, std::memory_order_relaxed);
    return answer;
  }
  fallback_.remember(tenant, good_body, environment_.now());
  return std::nullopt;
}

}  // namespace cb
