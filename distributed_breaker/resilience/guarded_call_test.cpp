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

using namespace cb;
using namespace std::chrono_literals;

namespace {

// A world where time passes only in sleeps and in attempts, and every sleep is written down.
struct World {
  SteadyTime now = std::chrono::steady_clock::now();
  std::vector<std::chrono::milliseconds> sleeps{};

  Surroundings surroundings() {
    return {.now = [this] { return now; },
            .sleep =
                [this](std::chrono::milliseconds wait) {
                  sleeps.push_back(wait);
                  now += wait;
                },
            .seed = 1};
  }
};

using Text = Attempt<std::string>;

Text answered(std::chrono::milliseconds) { return {AttemptEnd::answered, "yes", R"({"message":"yes"})"}; }
Text dead(std::chrono::milliseconds) { return {AttemptEnd::failed_may_retry, "no"}; }
Text hopeless(std::chrono::milliseconds) { return {AttemptEnd::failed, "never"}; }
Text refused(std::chrono::milliseconds) { return {AttemptEnd::refused, "open"}; }

// Attempts whose ends were decided beforehand; counts how many were made.
struct Script {
  std::vector<Text (*)(std::chrono::milliseconds)> ends;
  size_t made = 0;
  Text operator()(std::chrono::milliseconds at_most) { return ends.at(made++)(at_most); }
};

}  // namespace

TEST_CASE("with all protections off a call is one attempt, whatever becomes of it") {
  World world;
  GuardedCall call({}, 1s, world.surroundings());
  const auto good = call.run(answered);
  CHECK(good.course.end == CallEnd::answered);
  CHECK(good.course.attempts == 1);
  CHECK(good.reply == "yes");
  const auto bad = call.run(dead);
  CHECK(bad.course.end == CallEnd::failed);
  CHECK(bad.course.attempts == 1);
  CHECK(bad.reply == "no");
  CHECK(!bad.fallback.has_value());
  CHECK(world.sleeps.empty());
}

TEST_CASE("a failure that may be retried is retried after its backoff, until an answer comes") {
  World world;
  GuardedCall call({.max_attempts = 4, .retry_jitter = 0}, 1s, world.surroundings());
  Script script{{dead, dead, answered}};
  const auto reply = call.run(script);
  CHECK(reply.course.end == CallEnd::answered);
  CHECK(reply.course.attempts == 3);
  CHECK(reply.reply == "yes");
  CHECK(world.sleeps == std::vector<std::chrono::milliseconds>{50ms, 100ms});
}

TEST_CASE("a failure that another attempt would not change is not retried") {
  World world;
  GuardedCall call({.max_attempts = 4}, 1s, world.surroundings());
  const auto reply = call.run(hopeless);
  CHECK(reply.course.end == CallEnd::failed);
  CHECK(reply.course.attempts == 1);
}

TEST_CASE("a call that the breaker refuses is not retried, and is no attempt") {
  World world;
  GuardedCall call({.max_attempts = 4}, 1s, world.surroundings());
  Script script{{refused}};
  const auto reply = call.run(script);
  CHECK(reply.course.end == CallEnd::breaker_refused);
  CHECK(reply.course.attempts == 0);
  CHECK(reply.reply == "open");
  CHECK(world.sleeps.empty());
}

TEST_CASE("the breaker is asked for each attempt: a threshold of three ends a call of four attempts after its third") {
  World world;
  CircuitBreaker breaker({.failure_threshold = 3});
  GuardedCall call({.max_attempts = 4}, 1s, world.surroundings());
  const auto attempt = [&](std::chrono::milliseconds at_most) {
    Admission admission = breaker.acquire();
    if (std::holds_alternative<Rejection>(admission)) return refused(at_most);
    std::get<Permit>(admission).settle(Outcome::failure);
    return dead(at_most);
  };
  const auto tripping = call.run(attempt);
  CHECK(tripping.course.end == CallEnd::breaker_refused);
  CHECK(tripping.course.attempts == 3);
  CHECK(tripping.reply == "no");
  CHECK(call.run(attempt).course.attempts == 0);
}

TEST_CASE("where the breaker opens between two attempts, the reply is what the upstream answered to the first") {
  World world;
  GuardedCall call({.max_attempts = 4}, 1s, world.surroundings());
  Script script{{dead, refused}};
  const auto reply = call.run(script);
  CHECK(reply.course.end == CallEnd::breaker_refused);
  CHECK(reply.course.attempts == 1);
  CHECK(reply.reply == "no");
}

TEST_CASE("a call that finds the bulkhead full is not retried, and has no reply") {
  World world;
  GuardedCall call({.max_attempts = 4, .max_concurrent_calls = 1}, 1s, world.surroundings());
  call.run([&](std::chrono::milliseconds at_most) {
    const auto second = call.run(answered);
    CHECK(second.course.end == CallEnd::bulkhead_full);
    CHECK(second.course.attempts == 0);
    CHECK(!second.reply.has_value());
    return answered(at_most);
  });
  CHECK(world.sleeps.empty());
}

TEST_CASE("no slot is held during backoff") {
  World world;
  std::vector<size_t> running;
  GuardedCall* in_backoff = nullptr;
  Surroundings surroundings = world.surroundings();
  surroundings.sleep = [&](auto) { running.push_back(in_backoff->bulkhead().running); };
  GuardedCall call({.max_attempts = 3, .max_concurrent_calls = 1}, 1s, surroundings);
  in_backoff = &call;
  call.run([&](std::chrono::milliseconds at_most) {
    CHECK(call.bulkhead().running == 1);
    return dead(at_most);
  });
  CHECK(running == std::vector<size_t>{0, 0});
}

TEST_CASE("what an attempt throws goes through, and its slot is given back") {
  World world;
  GuardedCall call({.max_concurrent_calls = 1}, 1s, world.surroundings());
  const auto broken = [](std::chrono::milliseconds) -> Text { throw std::runtime_error("broken"); };
  CHECK_THROWS_WITH(call.run(broken), "broken");
  CHECK(call.run(answered).course.end == CallEnd::answered);
}

TEST_CASE("the deadline is for all attempts and waits together: each gets what is left") {
  World world;
  GuardedCall call({.deadline = 2500ms, .max_attempts = 10, .retry_backoff = 100ms, .retry_jitter = 0}, 1s,
                   world.surroundings());
  std::vector<std::chrono::milliseconds> given;
  const auto start = world.now;
  const auto reply = call.run([&](std::chrono::milliseconds at_most) {
    given.push_back(at_most);
    world.now += at_most;  // it hangs
    return dead(at_most);
  });
  CHECK(given == std::vector<std::chrono::milliseconds>{1s, 1s, 200ms});  // waits: 100 ms and 200 ms
  CHECK(reply.course.end == CallEnd::deadline_over);
  CHECK(reply.course.attempts == 3);
  CHECK(world.now - start == 2500ms);
}

TEST_CASE("a wait that would outlast the deadline is not begun, and costs no token") {
  World world;
  GuardedCall call({.deadline = 1s, .max_attempts = 2, .retry_backoff = 1s, .retry_budget = 1}, 1s,
                   world.surroundings());
  const auto reply = call.run([&](std::chrono::milliseconds at_most) {
    world.now += 600ms;
    return dead(at_most);
  });
  CHECK(reply.course.end == CallEnd::deadline_over);
  CHECK(world.sleeps.empty());
  CHECK(call.retry_tokens() == 2);
}

TEST_CASE("an attempt that the deadline cut short is reported as such, though it was the last one allowed") {
  World world;
  GuardedCall call({.deadline = 500ms}, 1s, world.surroundings());
  const auto reply = call.run([&](std::chrono::milliseconds at_most) {
    world.now += at_most;
    return dead(at_most);
  });
  CHECK(reply.course.end == CallEnd::deadline_over);
  CHECK(reply.course.attempts == 1);
}

TEST_CASE("no attempt begins after the deadline, where a wait took longer than it should") {
  World world;
  Surroundings oversleeping = world.surroundings();
  oversleeping.sleep = [&](std::chrono::milliseconds wait) { world.now += wait + 5s; };
  GuardedCall call({.deadline = 1s, .max_attempts = 4}, 1s, oversleeping);
  const auto reply = call.run(dead);
  CHECK(reply.course.end == CallEnd::deadline_over);
  CHECK(reply.course.attempts == 1);
}

TEST_CASE("a deadline that passes in the bulkhead's queue ends the call without an attempt") {
  GuardedCall call({.deadline = 20ms, .max_concurrent_calls = 1, .max_queued_calls = 1}, 1s);
  int first = 0;
  call.run([&](std::chrono::milliseconds at_most) {
    ++first;
    const auto second = call.run(answered);
    CHECK(second.course.end == CallEnd::deadline_over);
    CHECK(second.course.attempts == 0);
    return answered(at_most);
  });
  CHECK(first == 1);
}

namespace {

// Attempts of 1000 calls.
template <class MakeAttempt>
int attempts_of_1000(GuardedCall& call, MakeAttempt&& attempt) {
  int attempts = 0;
  for (int i = 0; i < 1000; ++i) attempts += call.run(attempt).course.attempts;
  return attempts;
}

}  // namespace

TEST_CASE("without a budget each call of a dead upstream costs all its attempts: four times the load") {
  World world;
  GuardedCall call({.max_attempts = 4}, 1s, world.surroundings());
  CHECK(call.run(dead).course.attempts == 4);
  CHECK(attempts_of_1000(call, dead) == 4000);
}

TEST_CASE("with a budget of 0.1 a dead upstream gets a tenth more, whatever max_attempts says") {
  World world;
  GuardedCall call({.max_attempts = 4, .retry_budget = 0.1}, 1s, world.surroundings());
  const int attempts = attempts_of_1000(call, dead);
  CHECK(attempts <= 1000 * 1.1 + RetryBudget::capacity);
  CHECK(attempts == 1000 + 100 + RetryBudget::reserve);
  CHECK(call.run(dead).course.end == CallEnd::retry_budget_empty);
}

TEST_CASE("at 60 % failures four attempts are 2.176 times the load, and bring 87 % of the answers instead of 40 %") {
  World world;
  GuardedCall call({.max_attempts = 4}, 1s, world.surroundings());
  std::mt19937_64 dice(1);
  std::bernoulli_distribution fails(0.6);
  int attempts = 0, answers = 0;
  constexpr int calls = 20'000;
  for (int i = 0; i < calls; ++i) {
    const auto reply =
        call.run([&](std::chrono::milliseconds at_most) { return (fails(dice) ? dead : answered)(at_most); });
    attempts += reply.course.attempts;
    answers += reply.course.end == CallEnd::answered;
  }
  CHECK(static_cast<double>(attempts) / calls == doctest::Approx(1 + 0.6 + 0.36 + 0.216).epsilon(0.01));
  CHECK(static_cast<double>(answers) / calls == doctest::Approx(1 - 0.1296).epsilon(0.01));
}

TEST_CASE("calls that the breaker refuses earn no retries") {
  World world;
  GuardedCall call({.max_attempts = 4, .retry_budget = 1}, 1s, world.surroundings());
  attempts_of_1000(call, refused);
  CHECK(call.retry_tokens() == RetryBudget::reserve);
}

TEST_CASE("the fallback answers whatever went wrong inside, and only that") {
  World world;
  GuardedCall call({.fallback = Fallback::last_good}, 1s, world.surroundings());
  CHECK(!call.run(dead).fallback.has_value());
  CHECK(!call.run(answered).fallback.has_value());
  world.now += 3s;
  for (const auto attempt : {dead, hopeless, refused}) {
    const auto reply = call.run(attempt);
    REQUIRE(reply.fallback.has_value());
    CHECK(reply.fallback->body == R"({"message":"yes"})");
    CHECK(reply.fallback->age == 3s);
    CHECK(reply.course.end != CallEnd::answered);  // the report stays honest
  }
}

TEST_CASE("a bad setting is refused where the call is put together") {
  CHECK_THROWS_AS(GuardedCall({.max_attempts = 0}, 1s), std::invalid_argument);
  CHECK_THROWS_WITH_AS(GuardedCall({}, 0ms), "attempt_timeout is 0ms; it must be at least 1ms", std::invalid_argument);
}

TEST_CASE("many threads share one guarded call: the bulkhead and the budget hold for all of them together") {
  constexpr int threads = 8, calls = 200;
  CallPolicy policy{.max_attempts = 4, .retry_budget = 0.1, .max_concurrent_calls = 2, .max_queued_calls = threads};
  Surroundings surroundings{.sleep = [](auto) {}};
  GuardedCall call(policy, 1s, surroundings);
  std::atomic<int> inside{0}, attempts{0};
  std::atomic<bool> too_many{false};
  {
    std::vector<std::jthread> callers;
    for (int i = 0; i < threads; ++i) {
      callers.emplace_back([&] {
        for (int k = 0; k < calls; ++k) {
          attempts += call.run([&](std::chrono::milliseconds at_most) {
                            if (++inside > 2) too_many = true;
                            std::this_thread::yield();
                            --inside;
                            return dead(at_most);
                          })
                          .course.attempts;
        }
      });
    }
  }
  CHECK(!too_many);
  CHECK(attempts == threads * calls + threads * calls / 10 + RetryBudget::reserve);
  CHECK(call.bulkhead() == Bulkhead::Counts{0, 0});
}
