// What stands round the upstream call, without any service: each protection alone, and then all of them composed.
#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <latch>
#include <nlohmann/json.hpp>
#include <random>
#include <stdexcept>
#include <thread>
#include <vector>

#include "distributed_breaker/bulkhead.hpp"
#include "distributed_breaker/call_policy.hpp"
#include "distributed_breaker/call_policy_options.hpp"
#include "distributed_breaker/deadline.hpp"
#include "distributed_breaker/fallback.hpp"
#include "distributed_breaker/guarded_call.hpp"
#include "distributed_breaker/retry.hpp"
#include "simple_breaker/circuit_breaker.hpp"

using namespace cb;
using namespace std::chrono_literals;

TEST_SUITE("call policy") {
  TEST_CASE("the defaults are valid, and protect nothing") {
    const CallPolicy policy;
    CHECK(validate(policy).empty());
    CHECK(policy.deadline == 0ms);
    CHECK(policy.max_attempts == 1);
    CHECK(policy.retry_budget == 0);
    CHECK(policy.max_concurrent_calls == 0);
    CHECK(policy.fallback == Fallback::none);
  }

  TEST_CASE("a setting out of range is one line that names it, its value and the range") {
    CHECK(validate({.deadline = -1ms}).at(0) == "deadline is -1ms; it must be 0ms to 3600000ms");
    CHECK(validate({.max_attempts = 0}).at(0) == "max_attempts is 0; it must be 1 to 10");
    CHECK(validate({.max_attempts = 11}).at(0) == "max_attempts is 11; it must be 1 to 10");
    CHECK(validate({.retry_backoff_multiplier = 0.5}).at(0) == "retry_backoff_multiplier is 0.5; it must be 1 to 10");
    CHECK(validate({.retry_budget = 1.5}).at(0) == "retry_budget is 1.5; it must be 0 to 1");
    CHECK(validate({.retry_jitter = std::nan("")}).size() == 1);
    CHECK(validate({.max_concurrent_calls = -1, .max_queued_calls = 10'001}).size() == 2);
    CHECK_THROWS_AS(require_valid({.max_attempts = 0}), std::invalid_argument);
  }

  TEST_CASE("settings that are of no use without another are refused") {
    CHECK(validate({.retry_backoff = 2s}).at(0) ==
          "retry_backoff is 2000ms; it must be at most retry_backoff_maximum, 1000ms");
    CHECK(validate({.max_queued_calls = 5}).at(0) ==
          "max_queued_calls is 5; it must be 0 unless max_concurrent_calls is at least 1");
    CHECK(validate({.fallback = Fallback::last_good, .fallback_answer = "1"}).at(0) ==
          "fallback_answer is \"1\"; it must be absent unless fallback is fixed");
  }

  TEST_CASE("a fixed answer is JSON of at most 4 KiB, and a complaint about it is short and printable") {
    const auto faults = [](const std::string& answer) {
      return validate({.fallback = Fallback::fixed, .fallback_answer = answer});
    };
    CHECK(faults(R"({"message":"try later"})").empty());
    CHECK(faults('"' + std::string(4094, 'a') + '"').empty());
    CHECK(faults('"' + std::string(4095, 'a') + '"').at(0) ==
          "fallback_answer is 4097 bytes long; it must be at most 4096");
    CHECK(faults("").at(0) == "fallback_answer is \"\"; with fallback fixed it must be JSON");
    CHECK(faults("{message\n").at(0) == R"(fallback_answer is "{message\n"; with fallback fixed it must be JSON)");
    CHECK(faults(std::string(4000, '\xff')).at(0).size() < 500);
  }

  TEST_CASE("JSON has every setting, with the unit in the name of a duration") {
    const auto json = to_json(CallPolicy{.deadline = 2s, .fallback = Fallback::last_good});
    CHECK(json.dump() ==
          R"({"deadline_ms":2000,"max_attempts":1,"retry_backoff_ms":50,"retry_backoff_multiplier":2.0,)"
          R"("retry_backoff_maximum_ms":1000,"retry_jitter":0.5,"retry_budget":0.0,"max_concurrent_calls":0,)"
          R"("max_queued_calls":0,"fallback":"last_good"})");
    CHECK(to_json(CallPolicy{.fallback = Fallback::fixed, .fallback_answer = "{}"})["fallback_answer"] == "{}");
  }

  TEST_CASE("every setting is an option") {
    CLI::App app;
    CallPolicy policy;
    add_call_policy_options(app, policy);
    app.parse(
        "--deadline 2s --max-attempts 4 --retry-backoff 100ms --retry-backoff-multiplier 3 --retry-backoff-maximum 2s "
        "--retry-jitter 1 --retry-budget 0.1 --max-concurrent-calls 8 --max-queued-calls 16 --fallback fixed "
        "--fallback-answer {}");
    const CallPolicy expected{.deadline = 2s,
                              .max_attempts = 4,
                              .retry_backoff = 100ms,
                              .retry_backoff_multiplier = 3,
                              .retry_backoff_maximum = 2s,
                              .retry_jitter = 1,
                              .retry_budget = 0.1,
                              .max_concurrent_calls = 8,
                              .max_queued_calls = 16,
                              .fallback = Fallback::fixed,
                              .fallback_answer = "{}"};
    CHECK(policy == expected);
  }

  TEST_CASE("the help says what each setting means, its default, and what zero means") {
    CLI::App app;
    CallPolicy policy;
    add_call_policy_options(app, policy);
    const std::string help = app.help();
    for (const auto& setting : call_settings()) CHECK(help.find(setting.meaning) != std::string::npos);
    CHECK(help.find("Attempts under way at once (0: no bulkhead)") != std::string::npos);
    CHECK(help.find("--retry-backoff DURATION=50ms") != std::string::npos);
    CHECK(help.find("--fallback KIND=none") != std::string::npos);
  }

  TEST_CASE("a fallback is written as on every command line, and another word is refused") {
    CLI::App app;
    CallPolicy policy;
    add_call_policy_options(app, policy);
    app.parse("--fallback last-good");
    CHECK(policy.fallback == Fallback::last_good);
    CHECK_THROWS_WITH_AS(app.parse("--fallback cached"),
                         "--fallback: 'cached' is no fallback; write none, fixed or last-good", CLI::ValidationError);
  }
}

TEST_SUITE("deadline") {
  const SteadyTime start{1000s};

  TEST_CASE("no deadline is never over, and leaves an attempt its own timeout") {
    const Deadline none = Deadline::in(0ms, start);
    CHECK(!none.over(start + 24h));
    CHECK(none.remaining(start) == std::nullopt);
    CHECK(none.earlier(1s, start + 24h) == 1s);
  }

  TEST_CASE("an attempt may take its own timeout or what remains, whichever is earlier") {
    const Deadline deadline = Deadline::in(3s, start);
    CHECK(deadline.earlier(1s, start) == 1s);
    CHECK(deadline.earlier(1s, start + 2s) == 1s);
    CHECK(deadline.earlier(1s, start + 2900ms) == 100ms);
    CHECK(deadline.earlier(1s, start + 5s) == 0ms);
  }

  TEST_CASE("a deadline is over from its instant on, and not a moment before") {
    const Deadline deadline = Deadline::in(3s, start);
    CHECK(!deadline.over(start + 3s - 1ns));
    CHECK(deadline.over(start + 3s));
  }

  TEST_CASE("a timeout made from a deadline is zero only once it is over: zero often means for ever") {
    const Deadline deadline = Deadline::in(3s, start);
    CHECK(deadline.remaining(start + 3s - 1ns) == 1ms);
    CHECK(deadline.remaining(start + 3s) == 0ms);
    CHECK(deadline.remaining(start + 4s) == 0ms);
  }
}

TEST_SUITE("retry") {
  int withdrawals(RetryBudget & budget) {
    int count = 0;
    while (count < 1000 && budget.withdraw()) ++count;
    return count;
  }

  TEST_CASE("without a budget every retry is made") {
    RetryBudget budget(0);
    CHECK(withdrawals(budget) == 1000);
  }

  TEST_CASE("a new budget allows one retry") {
    RetryBudget budget(0.1);
    CHECK(withdrawals(budget) == RetryBudget::reserve);
    CHECK(budget.tokens() == 0);
  }

  TEST_CASE("ten calls earn exactly one retry at a share of 0.1") {
    RetryBudget budget(0.1);
    CHECK(budget.withdraw());
    for (int call = 0; call < 9; ++call) budget.deposit();
    CHECK(!budget.withdraw());
    budget.deposit();
    CHECK(budget.withdraw());
    CHECK(!budget.withdraw());
  }

  TEST_CASE("a quiet hour saves up no more than the capacity") {
    RetryBudget budget(1);
    for (int call = 0; call < 3600; ++call) budget.deposit();
    CHECK(budget.tokens() == RetryBudget::capacity);
    CHECK(withdrawals(budget) == RetryBudget::capacity);
  }

  TEST_CASE("however many threads deposit and withdraw, no token is lost or made") {
    constexpr int threads = 8, calls = 50'000;
    RetryBudget budget(0.25);
    std::atomic<int> retries{0};
    std::latch together(threads);
    {
      std::vector<std::jthread> callers;
      for (int i = 0; i < threads; ++i) {
        callers.emplace_back([&] {
          together.arrive_and_wait();
          for (int call = 0; call < calls; ++call) {
            budget.deposit();
            if (budget.withdraw()) ++retries;
          }
        });
      }
    }
    // Each deposit is followed by an attempt to withdraw, so the bucket never fills up and nothing overflows.
    CHECK(retries + budget.tokens() == RetryBudget::reserve + threads * calls * 0.25);
  }

  TEST_CASE("waits grow by the multiplier, up to the maximum") {
    const Backoff backoff({.retry_backoff = 100ms, .retry_backoff_maximum = 1s, .retry_jitter = 0});
    std::mt19937_64 random(1);
    CHECK(backoff.wait_before(1, random) == 100ms);
    CHECK(backoff.wait_before(2, random) == 200ms);
    CHECK(backoff.wait_before(4, random) == 800ms);
    CHECK(backoff.wait_before(5, random) == 1s);
    CHECK(backoff.wait_before(9, random) == 1s);
  }

  TEST_CASE("jitter shortens a wait by at most its share, and spreads waits over all of it") {
    const Backoff backoff({.retry_backoff = 1s, .retry_backoff_maximum = 1s, .retry_jitter = 0.5});
    std::mt19937_64 random(1);
    std::vector<std::chrono::milliseconds> waits(1000);
    for (auto& wait : waits) wait = backoff.wait_before(1, random);
    const auto [shortest, longest] = std::minmax_element(waits.begin(), waits.end());
    CHECK(*shortest >= 500ms);
    CHECK(*shortest < 510ms);
    CHECK(*longest <= 1s);
    CHECK(*longest > 990ms);
  }

  TEST_CASE("the same seed gives the same waits") {
    const Backoff backoff(CallPolicy{});
    std::mt19937_64 one(7), other(7);
    for (int retry = 1; retry < 10; ++retry)
      CHECK(backoff.wait_before(retry, one) == backoff.wait_before(retry, other));
  }
}

TEST_SUITE("bulkhead") {
  using Counts = Bulkhead::Counts;
  const Deadline no_deadline;

  CallPolicy slots_and_places(int slots, int places) {
    return {.max_concurrent_calls = slots, .max_queued_calls = places};
  }

  void wait_until_queued(const Bulkhead& bulkhead, size_t queued) {
    while (bulkhead.counts().queued != queued) std::this_thread::yield();
  }

  TEST_CASE("without a bulkhead everybody enters, and is counted") {
    Bulkhead bulkhead(CallPolicy{});
    const auto first = bulkhead.enter(no_deadline);
    const auto second = bulkhead.enter(no_deadline);
    CHECK(second.has_value());
    CHECK(bulkhead.counts() == Counts{2, 0});
  }

  TEST_CASE("without a queue, who finds no slot is refused at once") {
    Bulkhead bulkhead(slots_and_places(1, 0));
    {
      const auto slot = bulkhead.enter(no_deadline);
      REQUIRE(slot.has_value());
      CHECK(!bulkhead.enter(no_deadline).has_value());
    }
    CHECK(bulkhead.counts() == Counts{0, 0});
    CHECK(bulkhead.enter(no_deadline).has_value());
  }

  TEST_CASE("a moved slot is given back once") {
    Bulkhead bulkhead(slots_and_places(2, 0));
    auto slot = bulkhead.enter(no_deadline);
    {
      const Bulkhead::Slot moved = std::move(*slot);
      slot.reset();
      CHECK(bulkhead.counts() == Counts{1, 0});
    }
    CHECK(bulkhead.counts() == Counts{0, 0});
  }

  TEST_CASE("who waits leaves the queue at its deadline, and the slot that comes later is not lost on it") {
    Bulkhead bulkhead(slots_and_places(1, 1));
    {
      const auto slot = bulkhead.enter(no_deadline);
      CHECK(!bulkhead.enter(Deadline::in(20ms)).has_value());
      CHECK(bulkhead.counts() == Counts{1, 0});
    }
    CHECK(bulkhead.enter(no_deadline).has_value());
  }

  TEST_CASE("who waited first enters first") {
    Bulkhead bulkhead(slots_and_places(1, 3));
    auto slot = bulkhead.enter(no_deadline);
    std::vector<int> order;  // guarded by the slot
    {
      std::vector<std::jthread> waiters;
      for (int waiter = 1; waiter <= 3; ++waiter) {
        waiters.emplace_back([&, waiter] {
          const auto own = bulkhead.enter(no_deadline);
          order.push_back(waiter);
        });
        wait_until_queued(bulkhead, static_cast<size_t>(waiter));
      }
      slot.reset();
    }
    CHECK(order == std::vector{1, 2, 3});
  }

  TEST_CASE("a slot given back belongs to who waits, and a newcomer cannot overtake") {
    Bulkhead bulkhead(slots_and_places(1, 1));
    auto slot = bulkhead.enter(no_deadline);
    std::latch may_leave(1);
    std::jthread waiter([&] {
      const auto own = bulkhead.enter(no_deadline);
      may_leave.wait();
    });
    wait_until_queued(bulkhead, 1);
    slot.reset();
    CHECK(bulkhead.counts() == Counts{1, 0});  // whether the waiter is awake yet or not
    CHECK(!bulkhead.enter(Deadline(SteadyTime::min())).has_value());
    may_leave.count_down();
  }

  // What `threads` callers saw that entered `calls` times each.
  struct Crowd {
    static constexpr int threads = 16, calls = 400;
    std::atomic<int> inside{0}, most_inside{0}, entered{0}, refused{0};
    std::atomic<size_t> most_queued{0};

    template <class Number>
    static void raise(std::atomic<Number>& highest, Number value) {
      Number seen = highest;
      while (seen < value && !highest.compare_exchange_weak(seen, value)) {
      }
    }

    void call(Bulkhead& bulkhead, const Deadline& deadline) {
      const auto slot = bulkhead.enter(deadline);
      raise(most_queued, bulkhead.counts().queued);
      if (!slot) return void(++refused);
      raise(most_inside, ++inside);
      ++entered;
      std::this_thread::yield();  // or the first would be gone before the second comes
      --inside;
    }

    void run(Bulkhead& bulkhead, std::chrono::microseconds patience) {
      std::vector<std::jthread> callers;
      for (int i = 0; i < threads; ++i) {
        callers.emplace_back([this, &bulkhead, patience] {
          for (int k = 0; k < calls; ++k) {
            const bool waits = patience != 0us;
            call(bulkhead, waits ? Deadline(std::chrono::steady_clock::now() + k % 4 * patience) : Deadline());
          }
        });
      }
    }
  };

  TEST_CASE("in a crowd there are never more inside than slots, nor more waiting than places, and each call is told") {
    Bulkhead bulkhead(slots_and_places(3, 5));
    Crowd crowd;
    crowd.run(bulkhead, 0us);
    CHECK(crowd.most_inside <= 3);
    CHECK(crowd.most_queued <= 5);
    CHECK(crowd.entered + crowd.refused == Crowd::threads * Crowd::calls);
    CHECK(bulkhead.counts() == Counts{0, 0});
  }

  TEST_CASE("where the queue has a place for each, nobody is refused and nobody is forgotten") {
    Bulkhead bulkhead(slots_and_places(3, Crowd::threads - 3));
    Crowd crowd;
    crowd.run(bulkhead, 0us);
    CHECK(crowd.most_inside <= 3);
    CHECK(crowd.entered == Crowd::threads * Crowd::calls);
    CHECK(bulkhead.counts() == Counts{0, 0});
  }

  TEST_CASE("no slot is lost where deadlines pass while slots are handed over") {
    Bulkhead bulkhead(slots_and_places(2, Crowd::threads));
    Crowd crowd;
    crowd.run(bulkhead, 20us);
    CHECK(crowd.most_inside <= 2);
    CHECK(crowd.entered + crowd.refused == Crowd::threads * Crowd::calls);
    CHECK(bulkhead.counts() == Counts{0, 0});
  }
}

TEST_SUITE("fallback") {
  const SteadyTime noon{12h};

  TEST_CASE("without a fallback there is no answer, whatever was good before") {
    FallbackSource source(CallPolicy{});
    source.remember("{}", noon);
    CHECK(!source.answer(noon).has_value());
  }

  TEST_CASE("the fixed answer has no age, and no good answer takes its place") {
    FallbackSource source({.fallback = Fallback::fixed, .fallback_answer = R"("later")"});
    source.remember("{}", noon);
    const auto answer = source.answer(noon + 1h);
    REQUIRE(answer.has_value());
    CHECK(answer->body == R"("later")");
    CHECK(answer->age == 0ms);
  }

  TEST_CASE("the last good answer is given with its age; before the first one there is none") {
    FallbackSource source({.fallback = Fallback::last_good});
    CHECK(!source.answer(noon).has_value());
    source.remember("1", noon);
    source.remember("2", noon + 1s);
    const auto answer = source.answer(noon + 5s);
    REQUIRE(answer.has_value());
    CHECK(answer->body == "2");
    CHECK(answer->age == 4s);
  }

  TEST_CASE("an answer that was overtaken by a newer one does not replace it") {
    FallbackSource source({.fallback = Fallback::last_good});
    source.remember("newer", noon + 1s);
    source.remember("older", noon);
    CHECK(source.answer(noon)->body == "newer");
    CHECK(source.answer(noon)->age == 0ms);
  }

  TEST_CASE("an answer above the bound is not kept, and the one before it stays") {
    FallbackSource source({.fallback = Fallback::last_good});
    source.remember(std::string(FallbackSource::longest_body, 'a'), noon);
    source.remember(std::string(FallbackSource::longest_body + 1, 'b'), noon + 1s);
    CHECK(source.answer(noon + 1s)->body == std::string(FallbackSource::longest_body, 'a'));
  }

  TEST_CASE("whoever asks while others remember gets a whole answer") {
    FallbackSource source({.fallback = Fallback::last_good});
    source.remember(std::string(1000, '0'), noon);
    std::vector<std::jthread> writers;
    for (const char letter : {'1', '2', '3'}) {
      writers.emplace_back([&source, letter] {
        for (int i = 0; i < 1000; ++i) source.remember(std::string(1000, letter), noon);
      });
    }
    for (int i = 0; i < 1000; ++i) {
      const std::string body = source.answer(noon)->body;
      REQUIRE(body == std::string(1000, body[0]));
    }
  }
}

TEST_SUITE("guarded call") {
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

  TEST_CASE(
      "the breaker is asked for each attempt: a threshold of three ends a call of four attempts after its third") {
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
    call.run([&](std::chrono::milliseconds at_most) {
      const auto second = call.run(answered);
      CHECK(second.course.end == CallEnd::deadline_over);
      CHECK(second.course.attempts == 0);
      return answered(at_most);
    });
  }

  // Attempts of 1000 calls.
  template <class MakeAttempt>
  int attempts_of_1000(GuardedCall & call, MakeAttempt && attempt) {
    int attempts = 0;
    for (int i = 0; i < 1000; ++i) attempts += call.run(attempt).course.attempts;
    return attempts;
  }

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
    CHECK_THROWS_WITH_AS(GuardedCall({}, 0ms), "attempt_timeout is 0ms; it must be at least 1ms",
                         std::invalid_argument);
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
}
