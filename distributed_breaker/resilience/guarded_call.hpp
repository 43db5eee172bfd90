// A GuardedCall puts the protections around an upstream call: fallback(deadline(retry(bulkhead(attempt)))).
// The caller's `attempt` asks the breaker each time, so a retry sees a breaker that has opened meanwhile, and neither a
// slot is held during backoff nor a probe's permit in the queue. Not retried: a rejection by the breaker and a full
// bulkhead, since both ask for less load.
// Thread-safe: every method; run() blocks its caller.
// Errors: the constructor throws std::invalid_argument naming the setting. An exception of an attempt passes through
// run(), and its slot is freed.
// Source: Nygard, Release It!, ch. 5; the order after Resilience4j's decorators.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "distributed_breaker/resilience/bulkhead.hpp"
#include "distributed_breaker/resilience/call_policy.hpp"
#include "distributed_breaker/resilience/deadline.hpp"
#include "distributed_breaker/resilience/fallback.hpp"
#include "distributed_breaker/resilience/retry.hpp"

namespace cb {

// failed: a retry would fail too. refused: by the breaker; nothing was sent.
enum class AttemptEnd { answered, failed_may_retry, failed, refused };

// What an attempt returns. `good_body`: the answer that Fallback::last_good keeps.
template <class ReplyType>
struct AttemptResult {
  using Reply = ReplyType;
  AttemptEnd end;
  Reply reply;
  std::string good_body{};
};

// Why there was no further attempt. failed: the last allowed attempt failed, or one that may not be retried.
enum class CallEnd { answered, failed, breaker_refused, bulkhead_full, deadline_over, retry_budget_empty };

std::string_view to_text(CallEnd end);

// `attempts`: those that the breaker admitted.
struct CallSummary {
  CallEnd end;
  int attempts;
  bool operator==(const CallSummary&) const = default;
};

// `reply`: of the last attempt that the breaker admitted; if it admitted none, the rejection; if there was no attempt,
// std::nullopt. `fallback`: only for a call that failed, if the policy has a fallback.
template <class Reply>
struct GuardedReply : CallSummary {
  std::optional<Reply> reply{};
  std::optional<FallbackAnswer> fallback{};
};

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

  // `attempt` takes its timeout as std::chrono::milliseconds (at least 1) and returns an AttemptResult<Reply>. It is
  // called at most max_attempts times, on this thread.
  template <class AttemptFunction>
  auto run(AttemptFunction&& attempt) {
    using Reply = typename std::invoke_result_t<AttemptFunction&, std::chrono::milliseconds>::Reply;
    std::optional<Reply> reply;
    std::string good_body;
    const CallSummary summary = with_retries([&](std::chrono::milliseconds timeout) {
      auto latest = attempt(timeout);
      if (latest.end != AttemptEnd::refused || !reply) reply.emplace(std::move(latest.reply));
      good_body = std::move(latest.good_body);
      return latest.end;
    });
    return GuardedReply<Reply>{summary, std::move(reply), fallback_for(summary.end, good_body)};
  }

  Bulkhead::Counts bulkhead() const { return bulkhead_.counts(); }
  double retry_tokens() const { return budget_.tokens(); }  // meaningless without a budget

 private:
  using AttemptOnce = std::function<AttemptEnd(std::chrono::milliseconds)>;

  CallSummary with_retries(const AttemptOnce& attempt);
  std::optional<AttemptEnd> in_slot(const Deadline& deadline, const AttemptOnce& attempt);
  std::optional<CallEnd> wait_for_retry(const Deadline& deadline, int attempts);
  std::chrono::milliseconds next_wait(int retry);
  std::optional<FallbackAnswer> fallback_for(CallEnd end, const std::string& good_body);

  const CallPolicy policy_;
  const std::chrono::milliseconds attempt_timeout_;
  const Environment environment_;
  const Backoff backoff_;
  FallbackSource fallback_;
  RetryBudget budget_;
  Bulkhead bulkhead_;
  std::mutex random_mutex_;
  std::mt19937_64 random_;  // guarded by random_mutex_
};

}  // namespace cb
