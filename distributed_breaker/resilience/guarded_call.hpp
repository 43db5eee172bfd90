// A GuardedCall composes what stands round the upstream call, in this order:
// fallback(deadline(retry(bulkhead(attempt)))). The caller's `attempt` asks the breaker, each time: so a retry meets a
// breaker that has opened meanwhile, a slot is not held during backoff, nor a probe's permit in the queue. The fallback
// is outermost: it answers whatever went wrong. Not retried: what the breaker refused (retrying into an open breaker
// only waits for nothing), and what found no slot (retrying would fill the queue that is full already). Thread-safe:
// every method; run() blocks its caller. Errors: the constructor throws std::invalid_argument naming the setting; what
// an attempt throws goes through run(), and its slot is given back. Source: Nygard, Release It!, ch. 5; the order after
// Resilience4j's decorators.
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

// failed: with an error that another attempt would not change. refused: by the breaker; nothing was sent.
enum class AttemptEnd { answered, failed_may_retry, failed, refused };

// What an attempt returns. `good_body`: of an answered one, what Fallback::last_good shall remember.
template <class ReplyType>
struct Attempt {
  using Reply = ReplyType;
  AttemptEnd end;
  Reply reply;
  std::string good_body{};
};

// Why there was no further attempt. failed: the last one allowed failed, or one that may not be retried.
enum class CallEnd { answered, failed, breaker_refused, bulkhead_full, deadline_over, retry_budget_empty };

std::string_view to_text(CallEnd end);

// How a call went. `attempts`: those that the breaker let through.
struct Course {
  CallEnd end;
  int attempts;
};

// `reply`: of the last attempt that the breaker let through; where it let none through, the refusal; where there was no
// attempt at all, nothing. `fallback`: for a call that was not answered, where there is one.
template <class Reply>
struct GuardedReply {
  Course course;
  std::optional<Reply> reply{};
  std::optional<FallbackAnswer> fallback{};
};

// What a test holds in its own hands.
struct Surroundings {
  std::function<SteadyTime()> now = [] { return std::chrono::steady_clock::now(); };
  std::function<void(std::chrono::milliseconds)> sleep = [](auto wait) { std::this_thread::sleep_for(wait); };
  uint64_t seed = std::random_device()();  // of the jitter; each process its own, or they would retry in step
};

class GuardedCall {
 public:
  // `attempt_timeout`: what one attempt may take where the deadline leaves as much; at least 1 ms.
  GuardedCall(const CallPolicy& policy, std::chrono::milliseconds attempt_timeout, Surroundings surroundings = {});

  // `attempt`: callable with the std::chrono::milliseconds that it may take at most (1 or more); returns an
  // Attempt<Reply>. Called max_attempts times or fewer, on this thread.
  template <class MakeAttempt>
  auto run(MakeAttempt&& attempt) {
    using Reply = typename std::invoke_result_t<MakeAttempt&, std::chrono::milliseconds>::Reply;
    std::optional<Reply> reply;
    std::string good_body;
    const Course course = with_deadline([&](std::chrono::milliseconds at_most) {
      auto made = attempt(at_most);
      if (made.end != AttemptEnd::refused || !reply) reply.emplace(std::move(made.reply));
      good_body = std::move(made.good_body);
      return made.end;
    });
    return GuardedReply<Reply>{course, std::move(reply), fallback_for(course, good_body)};
  }

  Bulkhead::Counts bulkhead() const { return bulkhead_.counts(); }
  double retry_tokens() const { return budget_.tokens(); }  // of no meaning without a budget

 private:
  using OneAttempt = std::function<AttemptEnd(std::chrono::milliseconds)>;

  std::optional<FallbackAnswer> fallback_for(const Course& course, const std::string& good_body);
  Course with_deadline(const OneAttempt& attempt);
  Course with_retries(const Deadline& deadline, const OneAttempt& attempt);
  std::optional<CallEnd> wait_for_retry(const Deadline& deadline, int attempts);
  std::optional<AttemptEnd> in_slot(const Deadline& deadline, const OneAttempt& attempt);
  std::chrono::milliseconds draw_wait(int retry);

  const CallPolicy policy_;
  const std::chrono::milliseconds attempt_timeout_;
  const Surroundings surroundings_;
  const Backoff backoff_;
  FallbackSource fallback_;
  RetryBudget budget_;
  Bulkhead bulkhead_;
  std::mutex random_mutex_;
  std::mt19937_64 random_;  // guarded by random_mutex_
};

}  // namespace cb
