#include "distributed_breaker/resilience/guarded_call.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "distributed_breaker/resilience/bulkhead.hpp"
#include "distributed_breaker/resilience/call_policy.hpp"
#include "distributed_breaker/resilience/retry.hpp"
#include "simple_breaker/circuit_breaker.hpp"
#include "simple_breaker/policies/outcome_rules.hpp"

using namespace cb;
using namespace std::chrono_literals;

namespace {

// Time that passes only in sleeps and in attempts. Records every sleep.
struct FakeTime {
  SteadyTime now = std::chrono::steady_clock::now();
  std::vector<std::chrono::milliseconds> sleeps{};

  Environment environment() {
    return {.now = [this] { return now; },
            .sleep =
                [this](std::chrono::milliseconds wait) {
                  sleeps.push_back(wait);
                  now += wait;
                },
            .seed = 1};
  }
};

using Answer = AttemptResult<std::string>;
using Text = AttemptOutcome<std::string>;

const Rejection open_circuit{State::open, 10s};

Text answered(std::chrono::milliseconds) { return Answer{AttemptEnd::answered, "yes", R"({"message":"yes"})"}; }
Text dead(std::chrono::milliseconds) { return Answer{AttemptEnd::failed_may_retry, "no"}; }
Text hopeless(std::chrono::milliseconds) { return Answer{AttemptEnd::failed, "never"}; }
Text refused(std::chrono::milliseconds) { return open_circuit; }

// The caller of a breaker that rejects for another ten seconds.
CallContext of_open_circuit() {
  return {.early_rejection = [](auto wait) { return wait < 10s ? std::optional(open_circuit) : std::nullopt; }};
}

// Attempts with scripted ends.
struct Script {
  std::vector<Text (*)(std::chrono::milliseconds)> ends;
  size_t next = 0;
  Text operator()(std::chrono::milliseconds timeout) { return ends.at(next++)(timeout); }
};

}  // namespace

TEST_CASE("with all protections off a call is one attempt, whether it succeeds or fails") {
  FakeTime time;
  GuardedCall call({}, 1s, time.environment());
  const auto good = call.run(answered);
  CHECK(good == CallSummary{CallEnd::answered, 1});
  CHECK(good.reply == "yes");
  const auto bad = call.run(dead);
  CHECK(bad == CallSummary{CallEnd::failed, 1});
  CHECK(bad.reply == "no");
  CHECK(!bad.fallback.has_value());
  CHECK(time.sleeps.empty());
}

TEST_CASE("a breaker around a guarded call ignores it if nothing was sent") {
  const auto ends_with = [](CallEnd end, int attempts) { return GuardedReply<int>{{end, attempts}}; };
  for (const CallEnd end : {CallEnd::breaker_refused, CallEnd::bulkhead_full, CallEnd::deadline_over}) {
    CHECK(OutcomeRules{}.of_result(ends_with(end, 0)) == Outcome::ignored);
    CHECK(OutcomeRules{}.of_result(std::optional(ends_with(end, 0))) == Outcome::ignored);
  }
  const auto all_fail = OutcomeRules{}.handle_result<GuardedReply<int>>([](const auto&) { return true; });
  for (const CallEnd end : {CallEnd::breaker_refused, CallEnd::failed, CallEnd::retry_budget_empty}) {
    CHECK(all_fail.of_result(ends_with(end, 1)) == Outcome::failure);
    CHECK(all_fail.of_result(ends_with(CallEnd::bulkhead_full, 0)) == Outcome::ignored);
  }
}

TEST_CASE("a failure that may be retried is retried after its backoff, until an attempt succeeds") {
  FakeTime time;
  GuardedCall call({.max_attempts = 4, .retry_jitter = 0}, 1s, time.environment());
  Script script{{dead, dead, answered}};
  const auto reply = call.run(script);
  CHECK(reply == CallSummary{CallEnd::answered, 3});
  CHECK(reply.reply == "yes");
  CHECK(time.sleeps == std::vector<std::chrono::milliseconds>{50ms, 100ms});
}

TEST_CASE("a failure that another attempt would not change is not retried") {
  FakeTime time;
  GuardedCall call({.max_attempts = 4}, 1s, time.environment());
  const auto reply = call.run(hopeless);
  CHECK(reply == CallSummary{CallEnd::failed, 1});
}

TEST_CASE("a rejected call is not retried and does not count as an attempt") {
  FakeTime time;
  GuardedCall call({.max_attempts = 4}, 1s, time.environment());
  Script script{{refused}};
  const auto reply = call.run(script);
  CHECK(reply == CallSummary{CallEnd::breaker_refused, 0, open_circuit});
  CHECK(!reply.reply.has_value());
  CHECK(time.sleeps.empty());
}

TEST_CASE("the breaker is asked for each attempt: a threshold of three ends a call of four attempts after its third") {
  FakeTime time;
  CircuitBreaker breaker({.failure_threshold = 3});
  GuardedCall call({.max_attempts = 4}, 1s, time.environment());
  const auto attempt = [&](std::chrono::milliseconds timeout) {
    Admission admission = breaker.acquire();
    if (std::holds_alternative<Rejection>(admission)) return refused(timeout);
    std::get<Permit>(admission).settle(Outcome::failure);
    return dead(timeout);
  };
  const auto tripping = call.run(attempt);
  CHECK(tripping == CallSummary{CallEnd::breaker_refused, 3, open_circuit});
  CHECK(tripping.reply == "no");
  CHECK(call.run(attempt).attempts == 0);
}

TEST_CASE("if the breaker opens between two attempts, the reply is that of the first attempt") {
  FakeTime time;
  GuardedCall call({.max_attempts = 4}, 1s, time.environment());
  Script script{{dead, refused}};
  const auto reply = call.run(script);
  CHECK(reply == CallSummary{CallEnd::breaker_refused, 1, open_circuit});
  CHECK(reply.reply == "no");
}

TEST_CASE("an open circuit is looked at before a call queues for the bulkhead, and again after it") {
  GuardedCall call({.deadline = 20ms, .max_concurrent_calls = 1, .max_queued_calls = 1}, 1s);
  int looks = 0;
  CallContext opens_meanwhile;
  opens_meanwhile.early_rejection = [&](auto) { return ++looks == 1 ? std::nullopt : std::optional(open_circuit); };
  call.run([&](std::chrono::milliseconds timeout) {
    // Neither of them waits for the slot that this attempt holds, or blames the bulkhead.
    CHECK(call.run(answered, of_open_circuit()) == CallSummary{CallEnd::breaker_refused, 0, open_circuit});
    CHECK(call.run(answered, opens_meanwhile) == CallSummary{CallEnd::breaker_refused, 0, open_circuit});
    return answered(timeout);
  });
  CHECK(looks == 2);
  CHECK(call.run(answered).end == CallEnd::answered);
}

TEST_CASE("no retry waits or costs a token if the circuit is open for longer than the wait") {
  FakeTime time;
  GuardedCall call({.max_attempts = 4, .retry_backoff = 1s, .retry_jitter = 0, .retry_budget = 1}, 1s,
                   time.environment());
  const auto reply = call.run(dead, of_open_circuit());
  CHECK(reply == CallSummary{CallEnd::breaker_refused, 1, open_circuit});
  CHECK(reply.reply == "no");
  CHECK(time.sleeps.empty());
  CHECK(call.retry_tokens() == 2);
}

TEST_CASE("a retry waits if the break is over before it: it may be the probe") {
  FakeTime time;
  GuardedCall call({.max_attempts = 2, .retry_backoff = 10s, .retry_backoff_maximum = 10s, .retry_jitter = 0}, 1s,
                   time.environment());
  Script script{{dead, answered}};
  CHECK(call.run(script, of_open_circuit()).end == CallEnd::answered);
  CHECK(time.sleeps == std::vector<std::chrono::milliseconds>{10s});
}

TEST_CASE("a call that finds the bulkhead full is not retried and has no reply") {
  FakeTime time;
  GuardedCall call({.max_attempts = 4, .max_concurrent_calls = 1}, 1s, time.environment());
  call.run([&](std::chrono::milliseconds timeout) {
    const auto second = call.run(answered);
    CHECK(second == CallSummary{CallEnd::bulkhead_full, 0});
    CHECK(!second.reply.has_value());
    return answered(timeout);
  });
  CHECK(time.sleeps.empty());
}

TEST_CASE("no slot is held during backoff") {
  FakeTime time;
  std::vector<size_t> running;
  GuardedCall* in_backoff = nullptr;
  Environment environment = time.environment();
  environment.sleep = [&](auto) { running.push_back(in_backoff->bulkhead().running); };
  GuardedCall call({.max_attempts = 3, .max_concurrent_calls = 1}, 1s, environment);
  in_backoff = &call;
  call.run([&](std::chrono::milliseconds timeout) {
    CHECK(call.bulkhead().running == 1);
    return dead(timeout);
  });
  CHECK(running == std::vector<size_t>{0, 0});
}

TEST_CASE("an exception of an attempt passes through, and its slot is freed") {
  FakeTime time;
  GuardedCall call({.max_concurrent_calls = 1}, 1s, time.environment());
  const auto broken = [](std::chrono::milliseconds) -> Text { throw std::runtime_error("broken"); };
  CHECK_THROWS_WITH(call.run(broken), "broken");
  CHECK(call.run(answered).end == CallEnd::answered);
}

TEST_CASE("the deadline covers all attempts and waits: each attempt gets the remaining time") {
  FakeTime time;
  GuardedCall call({.deadline = 2500ms, .max_attempts = 10, .retry_backoff = 100ms, .retry_jitter = 0}, 1s,
                   time.environment());
  std::vector<std::chrono::milliseconds> given;
  const auto start = time.now;
  const auto reply = call.run([&](std::chrono::milliseconds timeout) {
    given.push_back(timeout);
    time.now += timeout;  // the upstream hangs
    return dead(timeout);
  });
  CHECK(given == std::vector<std::chrono::milliseconds>{1s, 1s, 200ms});  // waits: 100 ms and 200 ms
  CHECK(reply == CallSummary{CallEnd::deadline_over, 3});
  CHECK(time.now - start == 2500ms);
}

TEST_CASE("a wait that would outlast the deadline is skipped and costs no token") {
  FakeTime time;
  GuardedCall call({.deadline = 1s, .max_attempts = 2, .retry_backoff = 1s, .retry_budget = 1}, 1s, time.environment());
  const auto reply = call.run([&](std::chrono::milliseconds timeout) {
    time.now += 600ms;
    return dead(timeout);
  });
  CHECK(reply.end == CallEnd::deadline_over);
  CHECK(time.sleeps.empty());
  CHECK(call.retry_tokens() == 2);
}

TEST_CASE("an attempt cut short by the deadline is reported so, even if it was the last one allowed") {
  FakeTime time;
  GuardedCall call({.deadline = 500ms}, 1s, time.environment());
  const auto reply = call.run([&](std::chrono::milliseconds timeout) {
    time.now += timeout;
    return dead(timeout);
  });
  CHECK(reply == CallSummary{CallEnd::deadline_over, 1});
}

TEST_CASE("no attempt begins after the deadline, even if a wait took too long") {
  FakeTime time;
  Environment oversleeping = time.environment();
  oversleeping.sleep = [&](std::chrono::milliseconds wait) { time.now += wait + 5s; };
  GuardedCall call({.deadline = 1s, .max_attempts = 4}, 1s, oversleeping);
  const auto reply = call.run(dead);
  CHECK(reply == CallSummary{CallEnd::deadline_over, 1});
}

TEST_CASE("a call whose deadline passes in the bulkhead's queue ends without an attempt") {
  GuardedCall call({.deadline = 20ms, .max_concurrent_calls = 1, .max_queued_calls = 1}, 1s);
  int first = 0;
  call.run([&](std::chrono::milliseconds timeout) {
    ++first;
    const auto second = call.run(answered);
    CHECK(second == CallSummary{CallEnd::deadline_over, 0});
    return answered(timeout);
  });
  CHECK(first == 1);
}

namespace {

template <class AttemptFunction>
int attempts_of_1000(GuardedCall& call, AttemptFunction&& attempt) {
  int attempts = 0;
  for (int i = 0; i < 1000; ++i) attempts += call.run(attempt).attempts;
  return attempts;
}

}  // namespace

TEST_CASE("without a budget each call to a dead upstream makes all its attempts: four times the load") {
  FakeTime time;
  GuardedCall call({.max_attempts = 4}, 1s, time.environment());
  CHECK(call.run(dead).attempts == 4);
  CHECK(attempts_of_1000(call, dead) == 4000);
}

TEST_CASE("with a budget of 0.1 a dead upstream receives a tenth more requests, whatever max_attempts is") {
  FakeTime time;
  GuardedCall call({.max_attempts = 4, .retry_budget = 0.1}, 1s, time.environment());
  const int attempts = attempts_of_1000(call, dead);
  CHECK(attempts <= 1000 * 1.1 + RetryBudget::capacity);
  CHECK(attempts == 1000 + 100 + RetryBudget::reserve);
  CHECK(call.run(dead).end == CallEnd::retry_budget_empty);
}

TEST_CASE("at 60 % failures four attempts mean 2.176 times the load, and 87 % of the calls succeed instead of 40 %") {
  FakeTime time;
  GuardedCall call({.max_attempts = 4}, 1s, time.environment());
  std::mt19937_64 dice(1);
  std::bernoulli_distribution fails(0.6);
  int attempts = 0, answers = 0;
  constexpr int calls = 20'000;
  for (int i = 0; i < calls; ++i) {
    const auto reply =
        call.run([&](std::chrono::milliseconds timeout) { return (fails(dice) ? dead : answered)(timeout); });
    attempts += reply.attempts;
    answers += reply.end == CallEnd::answered;
  }
  CHECK(static_cast<double>(attempts) / calls == doctest::Approx(1 + 0.6 + 0.36 + 0.216).epsilon(0.01));
  CHECK(static_cast<double>(answers) / calls == doctest::Approx(1 - 0.1296).epsilon(0.01));
}

TEST_CASE("rejected calls earn no retries") {
  FakeTime time;
  GuardedCall call({.max_attempts = 4, .retry_budget = 1}, 1s, time.environment());
  attempts_of_1000(call, refused);
  CHECK(call.retry_tokens() == RetryBudget::reserve);
}

TEST_CASE("the fallback answers every failed call, and no other") {
  FakeTime time;
  GuardedCall call({.fallback = Fallback::last_good}, 1s, time.environment());
  CHECK(!call.run(dead).fallback.has_value());
  CHECK(!call.run(answered).fallback.has_value());
  time.now += 3s;
  for (const auto attempt : {dead, hopeless, refused}) {
    const auto reply = call.run(attempt);
    REQUIRE(reply.fallback.has_value());
    CHECK(reply.fallback->body == R"({"message":"yes"})");
    CHECK(reply.fallback->age == 3s);
    CHECK(reply.end != CallEnd::answered);  // the report still shows the failure
  }
  CHECK(call.fallbacks_served() == 3);
}

TEST_CASE("one tenant's last good answer is not given to another") {
  FakeTime time;
  GuardedCall call({.fallback = Fallback::last_good}, 1s, time.environment());
  call.run(answered, {.tenant = "acme"});
  CHECK(call.run(dead, {.tenant = "acme"}).fallback.has_value());
  CHECK(!call.run(dead, {.tenant = "bolt"}).fallback.has_value());
  CHECK(!call.run(dead).fallback.has_value());
}

TEST_CASE("the constructor refuses a bad setting") {
  CHECK_THROWS_AS(GuardedCall({.max_attempts = 0}, 1s), std::invalid_argument);
  CHECK_THROWS_WITH_AS(GuardedCall({}, 0ms), "attempt_timeout is 0ms; it must be at least 1ms", std::invalid_argument);
}

TEST_CASE("the bulkhead and the budget limit all threads together") {
  constexpr int threads = 8, calls = 50;
  CallPolicy policy{.max_attempts = 4, .retry_budget = 0.1, .max_concurrent_calls = 2, .max_queued_calls = threads};
  Environment environment{.sleep = [](auto) {}};
  GuardedCall call(policy, 1s, environment);
  std::atomic<int> inside{0}, attempts{0};
  std::atomic<bool> too_many{false};
  {
    std::vector<std::jthread> callers;
    for (int i = 0; i < threads; ++i) {
      callers.emplace_back([&] {
        for (int k = 0; k < calls; ++k) {
          attempts += call.run([&](std::chrono::milliseconds timeout) {
                            if (++inside > 2) too_many = true;
                            std::this_thread::yield();
                            --inside;
                            return dead(timeout);
                          })
                          .attempts;
        }
      });
    }
  }
  CHECK(!too_many);
  CHECK(attempts == threads * calls + threads * calls / 10 + RetryBudget::reserve);
  CHECK(call.bulkhead() == Bulkhead::Counts{0, 0});
}
