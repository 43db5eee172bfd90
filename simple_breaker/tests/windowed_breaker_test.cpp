// The in-memory breaker's fast paths beside the table that they stand for, and its counts under many callers.
#include <doctest/doctest.h>

#include <barrier>
#include <random>
#include <thread>
#include <vector>

#include "simple_breaker/circuit_breaker.hpp"

using namespace cb;
using namespace std::chrono_literals;

namespace {

constexpr int callers = 8;

const Policy rates{.failure_threshold = 0,
                   .failure_rate_threshold = 0.3,
                   .slow_call_rate_threshold = 0.5,
                   .slow_call_duration_threshold = 3ms,
                   .sliding_window_size = 100ms,
                   .minimum_number_of_calls = 20,
                   .recovery_timeout = 5ms};

// One call that takes `took` by the breaker's clock.
struct Story {
  explicit Story(const Policy& policy) : breaker(policy, listener(), [this] { return now; }) {}

  Listener listener() {
    return [this](const Event& event) { events.push_back(event.kind); };
  }

  TimePoint now{1000s};
  std::vector<EventKind> events;
  CircuitBreaker breaker;
};

bool same(const DetailedStatus& status, const Snapshot& snapshot, const Policy& policy, TimePoint now) {
  return status.state == snapshot.state && status.generation == snapshot.generation &&
         status.failures == snapshot.counts.failures && status.recent == recent(snapshot.counts, policy, now);
}

void compare_with_table(Policy policy, unsigned seed) {
  std::mt19937 dice(seed);
  Story story(policy);
  Snapshot snapshot = closed_snapshot(story.now);
  int opened = 0;
  for (int i = 0; i < 5000; ++i) {
    Admission admission = story.breaker.acquire();
    const Decision decision = admit(snapshot, policy, story.now);
    REQUIRE(std::holds_alternative<Permit>(admission) == std::holds_alternative<PermitId>(decision.answer));
    const std::chrono::microseconds took(dice() % 8 == 0 ? dice() % 6000 : 0);
    story.now += took;
    if (auto* permit = std::get_if<Permit>(&admission)) {
      const auto outcome = dice() % 4 == 0 ? Outcome::failure : dice() % 16 == 0 ? Outcome::ignored : Outcome::success;
      REQUIRE(permit->id() == std::get<PermitId>(decision.answer));
      permit->settle(outcome);
      const Settlement settlement = settle(snapshot, policy, permit->id(), {outcome, took}, story.now);
      opened += settlement.transition && settlement.transition->to == State::open ? 1 : 0;
    } else {
      REQUIRE(std::get<Rejection>(admission) == std::get<Rejection>(decision.answer));
    }
    if (dice() % 64 == 0) REQUIRE(same(story.breaker.detailed_status(), snapshot, policy, story.now));
    story.now += std::chrono::microseconds(dice() % 5000);
  }
  REQUIRE(same(story.breaker.detailed_status(), snapshot, policy, story.now));
  CHECK(opened > 0);
}

}  // namespace

TEST_CASE("whatever the fast paths do, the breaker behaves as the table: rates, rows, clearing, slow calls") {
  for (unsigned seed = 1; seed <= 20; ++seed) {
    CAPTURE(seed);
    compare_with_table(rates, seed);
    Policy policy = rates;
    policy.clear_interval = 70ms;
    compare_with_table(policy, seed);
    policy.failure_threshold = 3;
    compare_with_table(policy, seed);
    compare_with_table({.failure_threshold = 2, .slow_call_duration_threshold = 2ms, .recovery_timeout = 5ms}, seed);
  }
}

TEST_CASE("no call is lost from the window and none counted twice, by many callers and across buckets") {
  constexpr int each = 20'000;
  CircuitBreaker breaker({.failure_threshold = 0, .failure_rate_threshold = 1, .sliding_window_size = 1h});
  std::barrier together(callers);
  {
    std::vector<std::jthread> running;
    for (int thread = 0; thread < callers; ++thread) {
      running.emplace_back([&] {
        together.arrive_and_wait();
        for (int i = 0; i < each; ++i) {
          Admission admission = breaker.acquire();
          std::get<Permit>(admission).settle(i % 100 == 99 ? Outcome::failure : Outcome::success);
          if (i % 1000 == 0) breaker.status();
        }
      });
    }
  }
  CHECK(breaker.detailed_status().recent == CallCounts{callers * each, callers * each / 100, 0});
}

TEST_CASE("a slow call is told, counted and, at the rate, opens the circuit") {
  Policy policy = rates;
  policy.minimum_number_of_calls = 2;
  Story story(policy);
  for (int i = 0; i < 2; ++i) {
    Admission admission = story.breaker.acquire();
    story.now += 3ms;
    std::get<Permit>(admission).settle(Outcome::success);
  }
  CHECK(story.events == std::vector{EventKind::slow_call, EventKind::slow_call, EventKind::transition});
  CHECK(story.breaker.detailed_status().slow_calls == 2);
  CHECK(story.breaker.detailed_status().state == State::open);
}

TEST_CASE("a rejection and a late result are told too") {
  Story story({.failure_threshold = 1});
  Admission late = story.breaker.acquire();
  Admission first = story.breaker.acquire();
  std::get<Permit>(first).settle(Outcome::failure);
  std::get<Permit>(late).settle(Outcome::success);
  CHECK(std::holds_alternative<Rejection>(story.breaker.acquire()));
  CHECK(story.events == std::vector{EventKind::transition, EventKind::late_result, EventKind::rejection});
}

TEST_CASE("an override holds for every thread at once, until it expires") {
  Story story({.failure_threshold = 1, .recovery_timeout = 1s});
  CHECK(story.breaker.apply_override({Mode::forced_open, "ann", "deploying"}, 10s).empty());
  CHECK(std::get<Rejection>(story.breaker.acquire()).retry_after == 10s);
  CHECK(story.breaker.detailed_status().active_override == Override{Mode::forced_open, "ann", "deploying"});
  CHECK(story.breaker.detailed_status().override_until == story.now + 10s);
  story.now += 10s;
  CHECK(std::get<Permit>(story.breaker.acquire()).is_probe());
  CHECK(story.breaker.detailed_status().active_override == Override{});
  CHECK(story.events == std::vector{EventKind::override, EventKind::rejection, EventKind::transition});
}

TEST_CASE("metrics_only says each time when it would have opened, and lets everything pass") {
  Story story({.failure_threshold = 3});
  story.breaker.apply_override({Mode::metrics_only, "ann", ""}, {});
  for (int i = 0; i < 10; ++i) std::get<Permit>(story.breaker.acquire()).settle(Outcome::failure);
  CHECK(story.breaker.detailed_status().would_have_tripped == 3);
  CHECK(story.breaker.detailed_status().state == State::closed);
  CHECK(std::count(story.events.begin(), story.events.end(), EventKind::would_have_tripped) == 3);
}

TEST_CASE("an open or overridden breaker must not be forgotten") {
  Story story({.failure_threshold = 1});
  CHECK(story.breaker.is_evictable());
  std::get<Permit>(story.breaker.acquire()).settle(Outcome::failure);
  CHECK_FALSE(story.breaker.is_evictable());
  story.breaker.apply_override({Mode::forced_closed, "ann", ""}, {});
  CHECK_FALSE(story.breaker.is_evictable());
  story.breaker.apply_override({Mode::automatic, "ann", ""}, {});
  CHECK(story.breaker.is_evictable());
}

TEST_CASE("an open breaker that nobody asked for again may be forgotten, in time") {
  Story story({.failure_threshold = 1, .recovery_timeout = 1s});
  std::get<Permit>(story.breaker.acquire()).settle(Outcome::failure);
  story.now += 1999ms;
  CHECK_FALSE(story.breaker.is_evictable());
  story.now += 1ms;
  CHECK(story.breaker.is_evictable());
  Admission probe = story.breaker.acquire();
  CHECK_FALSE(story.breaker.is_evictable());
}
