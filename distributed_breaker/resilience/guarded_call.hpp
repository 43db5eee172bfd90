// A GuardedCall puts the protections around an upstream call: fallback(deadline(retry(bulkhead(attempt)))).
// The caller's `attempt` asks the breaker each time, so a retry sees a breaker that has opened meanwhile, and neither a
// slot is held during backoff nor a probe's permit in the queue. No call waits, in the queue or for a retry, if its
// breaker is known to reject it anyway. Not retried: a rejection by the breaker and a full bulkhead, since both ask for
// less load.
// Thread-safe: every method; run() blocks its caller.
// Errors: the constructor throws std::invalid_argument naming the setting. An exception of an attempt passes through
// run(), and its slot is freed.
// Source: Nygard, Release It!, ch. 5; the order after Resilience4j's decorators.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <type_traits>
#include <utility>
#include <variant>

#include "distributed_breaker/resilience/bulkhead.hpp"
#include "distributed_breaker/resilience/call_policy.hpp"
#include "distributed_breaker/resilience/deadline.hpp"
#include "distributed_breaker/resilience/fallback.hpp"
#include "distributed_breaker/resilience/retry.hpp"
#include "simple_breaker/breaker.hpp"

namespace cb {

// failed: a retry would fail too.
enum class AttemptEnd { answered, failed_may_retry, failed };

// `good_body`: the answer that Fallback::last_good keeps.
template <class ReplyType>
struct AttemptResult {
  using Reply = ReplyType;
  AttemptEnd end;
  Reply reply;
  std::string good_body{};
};

// What an attempt returns. Rejection: by the breaker; nothing was sent.
template <class Reply>
using AttemptOutcome = std::variant<AttemptResult<Reply>, Rejection>;

// What run() needs to know about its caller.
struct CallContext {
  std::string tenant{};  // only its own last good answer is given to it; empty: a call without a tenant

  // The rejection, if the breaker is known to reject every call for longer than `wait`. Takes no permit.
  std::function<std::optional<Rejection>(std::chrono::milliseconds wait)> early_rejection = [](auto) {
    return std::nullopt;
  };
};

// Why there was no further attempt. failed: the last allowed attempt failed, or one that may not be retried.
// bulkhead_full: it has no slot for this call, or not in time.
enum class CallEnd { answered, failed, breaker_refused, bulkhead_full, deadline_over, retry_budget_empty };

std::string_view to_text(CallEnd end);

// `attempts`: those that the breaker admitted. `rejection`: of a call that ended with breaker_refused.
struct CallSummary {
  CallEnd end;
  int attempts;
  std::optional<Rejection> rejection{};
  bool operator==(const CallSummary&) const = default;
};

// `reply`: of the last attempt that the breaker admitted; if it admitted none, std::nullopt. `fallback`: only for a
// call that failed, if the policy has a fallback.
template <class Reply>
struct GuardedReply : CallSummary {
  std::optional<Reply> reply{};
  std::optional<FallbackAnswer> fallback{};
};

// Nothing was sent, so a breaker around the call ignores its result (simple_breaker/policies/refusal.hpp). If an
// attempt was made, its reply is a result as any other.
inline bool is_refusal(const CallSummary& call) { return call.attempts == 0; }

// What a test replaces.
struct Environment {
  std::function<SteadyTime()> now = [] { return std::chrono::steady_clock::now(); };
  std::function<void(std::chrono::milliseconds)> sleep = [](auto wait) { std::this_thread::sleep_for(wait); };
  uint64_t seed = std::random_device()();  // of the jitter; different in each process, or they would retry in step
};

class GuardedCall {
 public:
  // `attempt_timeout`: the timeout of an attempt, unless the deadline leaves less; at least 1 ms.
  GuardedCall(const CallPolicy& policy, std::chrono::milliseconds attempt_timeout, Environment environment = {});

  // `attempt` takes its timeout as std::chrono::milliseconds (at least 1) and returns an AttemptOutcome<Reply>. It is
  // called at most max_attempts times, on this thread.
  template <class AttemptFunction>
  auto run(AttemptFunction&& attempt, const CallContext& context = {}) {
    using Attempted = std::invoke_result_t<AttemptFunction&, std::chrono::milliseconds>;
    using Value = typename std::variant_alternative_t<0, Attempted>::Reply;
    std::optional<Value> reply;
    std::string good_body;
    const auto attempt_once = [&](std::chrono::milliseconds timeout) -> AttemptOnceOutcome {
      auto outcome = attempt(timeout);
      if (const auto* rejection = std::get_if<Rejection>(&outcome)) return *rejection;
      auto& latest = std::get<0>(outcome);
      reply.emplace(std::move(latest.reply));
      good_body = std::move(latest.good_body);
      return latest.end;
    };
    const CallSummary summary = with_retries(attempt_once, context);
    return GuardedReply<Value>{summary, std::move(reply), fallback_for(context.tenant, summary.end, good_body)};
  }

  Bulkhead::Counts bulkhead() const { return bulkhead_.counts(); }
  uint64_t fallbacks_served() const { return fallbacks_served_.load(std::memory_order_relaxed); }
  double retry_tokens() const { return budget_.tokens(); }  // meaningless without a budget

 private:
  using AttemptOnceOutcome = std::variant<AttemptEnd, Rejection>;
  using AttemptOnce = std::function<AttemptOnceOutcome(std::chrono::milliseconds)>;

  // Of one attempt; CallEnd: why there was none.
  using StepOutcome = std::variant<AttemptEnd, Rejection, CallEnd>;

  CallSummary with_retries(const AttemptOnce& attempt, const CallContext& context);
  StepOutcome in_slot(const Deadline& deadline, const AttemptOnce& attempt, const CallContext& context);
  StepOutcome timed(std::chrono::milliseconds timeout, const AttemptOnce& attempt);
  std::optional<Rejection> rejection_before_queue(const CallContext& context) const;
  std::optional<StepOutcome> wait_for_retry(const Deadline& deadline, int attempts, const CallContext& context);
  std::chrono::milliseconds next_wait(int retry);
  std::optional<FallbackAnswer> fallback_for(const std::string& tenant, CallEnd end, const std::string& good_body);

  const CallPolicy policy_;
  const std::chrono::milliseconds attempt_timeout_;
  const Environment environment_;
  const Backoff backoff_;
  FallbackSource fallback_;
  std::atomic<uint64_t> fallbacks_served_{0};
  RetryBudget budget_;
  Bulkhead bulkhead_;
  std::mutex random_mutex_;
  std::mt19937_64 random_;  // guarded by random_mutex_
};

}  // namespace cb
