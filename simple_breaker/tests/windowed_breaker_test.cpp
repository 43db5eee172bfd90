// The fast path of the in-memory breaker against the transition table, and its counts under many callers.
#include <doctest/doctest.h>

#include <algorithm>
#include <barrier>
#include <memory>
#include <random>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "program/rounds_for_test.hpp"
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

// A breaker with clocks that the test moves, and the kinds of notices that it reported.
struct WindowedScenario {
  explicit WindowedScenario(const Policy& policy, std::chrono::microseconds most_behind = 0us)
      : breaker(std::make_shared<BreakerConfig>(
                    policy, listener(), [this] { return ++precise_readings, now; },
                    [this, most_behind] { return ClockReading(now - behind, most_behind); }),
                {"breaker"}) {}

  void succeed_after(std::chrono::microseconds took) {
    Admission admission = breaker.acquire();
    now += took;
    std::get<Permit>(admission).settle(Outcome::success);
  }

  Listener listener() {
    return [this](const Notice& notice) { notices.push_back(notice.kind); };
  }

  TimePoint now{1000s};
  std::chrono::microseconds behind{0};  // the coarse clock
  int precise_readings = 0;
  std::vector<NoticeKind> notices;
  CircuitBreaker breaker;
};

bool same(const DetailedStatus& status, const Snapshot& snapshot, const Policy& policy, TimePoint now) {
  return status.state == snapshot.state && status.generation == snapshot.generation &&
         status.failures == snapshot.counts.failures && status.recent == recent(snapshot.counts, policy, now);
}

void compare_with_table(Policy policy, unsigned seed, std::chrono::microseconds most_behind) {
  std::mt19937 random(seed);
  WindowedScenario scenario(policy, most_behind);
  Snapshot snapshot = closed_snapshot(scenario.now);
  int opened = 0;
  for (int i = 0; i < 5000; ++i) {
    Admission admission = scenario.breaker.acquire();
    const Reply reply = apply(snapshot, policy, Acquire{}, scenario.now);
    REQUIRE(std::holds_alternative<Permit>(admission) == (reply.kind == Reply::Kind::admitted));
    const std::chrono::microseconds took(random() % 8 == 0 ? random() % 6000 : 0);
    scenario.now += took;
    scenario.behind = std::chrono::microseconds(random()) % (most_behind + 1us);
    if (auto* permit = std::get_if<Permit>(&admission)) {
      const auto outcome = random() % 4 == 0    ? Outcome::failure
                           : random() % 16 == 0 ? Outcome::ignored
                                                : Outcome::success;
      REQUIRE(permit->id() == reply.permit);
      permit->settle(outcome);
      const Reply settled = apply(snapshot, policy, Settle{permit->id(), {outcome, took}}, scenario.now);
      for (const Transition& transition : settled.transitions) opened += transition.to == State::open ? 1 : 0;
    } else {
      REQUIRE(std::get<Rejection>(admission) == Rejection{reply.state, reply.retry_after});
    }
    if (random() % 64 == 0) REQUIRE(same(scenario.breaker.detailed_status(), snapshot, policy, scenario.now));
    scenario.now += std::chrono::microseconds(random() % 5000);
  }
  REQUIRE(same(scenario.breaker.detailed_status(), snapshot, policy, scenario.now));
  CHECK(opened > 0);
}

}  // namespace

TEST_CASE("with its fast path the breaker behaves as the table: rates, failures in a row, clearing, slow calls") {
  for (unsigned seed = 1; seed <= rounds(20); ++seed) {
    const auto most_behind = seed % 2 == 0 ? 0us : 2000us;
    CAPTURE(seed);
    compare_with_table(rates, seed, most_behind);
    Policy policy = rates;
    policy.clear_interval = 70ms;
    compare_with_table(policy, seed, most_behind);
    policy.failure_threshold = 3;
    compare_with_table(policy, seed, most_behind);
    policy = {.failure_threshold = 2, .slow_call_duration_threshold = 2ms, .recovery_timeout = 5ms};
    compare_with_table(policy, seed, most_behind);
  }
}

TEST_CASE("a coarse clock that is behind makes neither a quick call slow nor a slow one quick") {
  WindowedScenario scenario({.slow_call_duration_threshold = 100ms}, 8ms);
  for (const auto behind : {0us, 1us, 4000us, 8000us}) {
    scenario.behind = behind;
    const uint64_t slow = scenario.breaker.detailed_status().slow_calls;
    for (const auto quick : {0us, 91'999us, 92'000us, 99'999us}) scenario.succeed_after(quick);
    CHECK(scenario.breaker.detailed_status().slow_calls == slow);
    for (const auto slow_one : {100'000us, 100'001us, 108'000us, 108'001us}) scenario.succeed_after(slow_one);
    CHECK(scenario.breaker.detailed_status().slow_calls == slow + 4);
  }
}

// A bucket lasts 10 ms. After 90 ms more the first two calls have expired with their bucket, and the third has not.
TEST_CASE("a coarse clock that is behind counts no success in a bucket that has ended") {
  for (const auto behind : {0us, 1us, 4000us, 8000us}) {
    WindowedScenario scenario({.failure_rate_threshold = 0.5, .sliding_window_size = 100ms}, 8ms);
    scenario.behind = behind;
    scenario.succeed_after(0us);  // begins the bucket
    scenario.succeed_after(9'999us);
    scenario.succeed_after(1us);
    scenario.now += 90ms;
    CHECK(scenario.breaker.detailed_status().recent == CallCounts{1, 0, 0});
  }
}

TEST_CASE("a coarse clock that is behind does not put off the clearing of counts") {
  const Policy policy{.failure_rate_threshold = 0.5, .sliding_window_size = 10s, .clear_interval = 500ms};
  WindowedScenario scenario(policy, 8ms);
  scenario.succeed_after(0us);  // from here to clear_interval later
  scenario.behind = 8ms;
  scenario.succeed_after(499'999us);
  scenario.succeed_after(1us);
  CHECK(scenario.breaker.detailed_status().recent == CallCounts{1, 0, 0});
}

TEST_CASE("a clock that is set back by less than the coarse one may be behind sets back the window") {
  WindowedScenario scenario({.failure_rate_threshold = 0.5, .sliding_window_size = 100ms}, 8ms);
  scenario.succeed_after(0us);
  scenario.now -= 5ms;
  scenario.succeed_after(0us);  // the newest bucket is now the one that ends in 5 ms
  scenario.now += 95ms;
  CHECK(scenario.breaker.detailed_status().recent == CallCounts{0, 0, 0});
}

TEST_CASE("with a window a success reads the precise clock only where the coarse one cannot decide") {
  Policy policy{.failure_rate_threshold = 0.5, .sliding_window_size = 10s};
  const auto readings = [&](std::chrono::microseconds behind, std::chrono::microseconds took) {
    WindowedScenario scenario(policy, 8ms);
    scenario.succeed_after(0us);  // begins the bucket
    scenario.behind = behind;
    const int before = scenario.precise_readings;
    scenario.succeed_after(took);
    return scenario.precise_readings - before;
  };
  CHECK(readings(8ms, 8ms) == 0);
  CHECK(readings(8ms, 7'999us) == 1);  // the coarse clock shows a time before the bucket began
  CHECK(readings(0ms, 991'999us) == 0);
  CHECK(readings(0ms, 992'000us) == 1);  // the bucket may have ended
  policy.slow_call_duration_threshold = 500ms;
  CHECK(readings(0ms, 491'999us) == 1);  // when it starts
  CHECK(readings(0ms, 492'000us) == 2);  // it may have been slow
}

TEST_CASE("the precise clock shows a time within the coarse clock's reading") {
  for (int i = 0; i < 100'000; ++i) {
    const TimePoint before = steady_wall_clock();
    const ClockReading reading = coarse_reading();
    const TimePoint after = steady_wall_clock();
    REQUIRE(reading.earliest <= after);
    REQUIRE(reading.latest >= before);
  }
}

TEST_CASE("with many callers the window counts each call exactly once") {
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

TEST_CASE("counts of calls do not wrap") {
  const CallCounts most_in_32_bits{4'294'967'295, 0, 0};
  FailureCounts counts;
  add(counts.window, most_in_32_bits);
  add(counts.window, {1, 1, 0});
  CHECK(total(counts.window) == CallCounts{4'294'967'296, 1, 0});
  CHECK_FALSE(cause_to_open(counts, {.failure_rate_threshold = 0.01, .minimum_number_of_calls = 1}));
}

TEST_CASE("a slow call is reported and counted, and opens the circuit at the rate") {
  Policy policy = rates;
  policy.minimum_number_of_calls = 2;
  WindowedScenario scenario(policy);
  for (int i = 0; i < 2; ++i) {
    Admission admission = scenario.breaker.acquire();
    scenario.now += 3ms;
    std::get<Permit>(admission).settle(Outcome::success);
  }
  CHECK(scenario.notices == std::vector{NoticeKind::slow_call, NoticeKind::slow_call, NoticeKind::transition});
  CHECK(scenario.breaker.detailed_status().slow_calls == 2);
  CHECK(scenario.breaker.detailed_status().state == State::open);
}

TEST_CASE("a rejection and a late result are reported") {
  WindowedScenario scenario({.failure_threshold = 1});
  Admission late = scenario.breaker.acquire();
  Admission first = scenario.breaker.acquire();
  std::get<Permit>(first).settle(Outcome::failure);
  std::get<Permit>(late).settle(Outcome::success);
  CHECK(std::holds_alternative<Rejection>(scenario.breaker.acquire()));
  CHECK(scenario.notices == std::vector{NoticeKind::transition, NoticeKind::late_result, NoticeKind::rejection});
}

TEST_CASE("an override takes effect at once, and ends when it expires") {
  WindowedScenario scenario({.failure_threshold = 1, .recovery_timeout = 1s});
  CHECK(scenario.breaker.apply_override({Mode::forced_open, "ann", "deploying"}, 10s).empty());
  CHECK(std::get<Rejection>(scenario.breaker.acquire()).retry_after == 10s);
  CHECK(scenario.breaker.detailed_status().active_override == Override{Mode::forced_open, "ann", "deploying"});
  CHECK(scenario.breaker.detailed_status().override_until == scenario.now + 10s);
  scenario.now += 10s;
  CHECK(std::get<Permit>(scenario.breaker.acquire()).is_probe());
  CHECK(scenario.breaker.detailed_status().active_override == Override{});
  CHECK(scenario.notices == std::vector{NoticeKind::override, NoticeKind::rejection, NoticeKind::transition});
}

TEST_CASE("metrics_only admits every call and reports each time that the circuit would have opened") {
  WindowedScenario scenario({.failure_threshold = 3});
  scenario.breaker.apply_override({Mode::metrics_only, "ann", ""}, {});
  for (int i = 0; i < 10; ++i) std::get<Permit>(scenario.breaker.acquire()).settle(Outcome::failure);
  CHECK(scenario.breaker.detailed_status().would_have_tripped == 3);
  CHECK(scenario.breaker.detailed_status().state == State::closed);
  CHECK(std::count(scenario.notices.begin(), scenario.notices.end(), NoticeKind::would_have_tripped) == 3);
}

TEST_CASE("an open or overridden breaker must not be evicted") {
  WindowedScenario scenario({.failure_threshold = 1});
  CHECK(scenario.breaker.is_evictable(0ms));
  std::get<Permit>(scenario.breaker.acquire()).settle(Outcome::failure);
  CHECK_FALSE(scenario.breaker.is_evictable(0ms));
  scenario.breaker.apply_override({Mode::forced_closed, "ann", ""}, {});
  CHECK_FALSE(scenario.breaker.is_evictable(0ms));
  scenario.breaker.apply_override({Mode::automatic, "ann", ""}, {});
  CHECK(scenario.breaker.is_evictable(0ms));
}

TEST_CASE("a breaker whose override has ended may be evicted, even without a look at it since") {
  WindowedScenario scenario({.failure_threshold = 1, .recovery_timeout = 10s});
  for (const Mode mode : {Mode::disabled, Mode::forced_closed, Mode::metrics_only, Mode::forced_open}) {
    CAPTURE(to_text(mode));
    scenario.breaker.apply_override({mode, "ann", ""}, 1s);
    scenario.now += 999ms;
    CHECK_FALSE(scenario.breaker.is_evictable(0ms));
    scenario.now += 1ms;
    CHECK(scenario.breaker.is_evictable(0ms));
  }
}

TEST_CASE("a closed breaker with failures must not be evicted, unless it was not used for ten minutes") {
  WindowedScenario scenario({.failure_threshold = 3});
  std::get<Permit>(scenario.breaker.acquire()).settle(Outcome::failure);
  CHECK_FALSE(scenario.breaker.is_evictable(599s));
  CHECK(scenario.breaker.is_evictable(10min));
  std::get<Permit>(scenario.breaker.acquire()).settle(Outcome::success);
  CHECK(scenario.breaker.is_evictable(0ms));
}

TEST_CASE("a closed breaker with calls in its window must not be evicted until they have expired") {
  WindowedScenario scenario({.failure_rate_threshold = 0.5, .sliding_window_size = 10s});
  CHECK(scenario.breaker.is_evictable(0ms));
  std::get<Permit>(scenario.breaker.acquire()).settle(Outcome::success);  // counted, and not collected
  CHECK_FALSE(scenario.breaker.is_evictable(0ms));
  scenario.breaker.status();  // collects it
  CHECK_FALSE(scenario.breaker.is_evictable(0ms));
  std::get<Permit>(scenario.breaker.acquire()).settle(Outcome::success);
  scenario.now += 10s;
  CHECK(scenario.breaker.is_evictable(0ms));
}

TEST_CASE("an open breaker may be evicted once it was not used for as long as its break") {
  WindowedScenario scenario({.failure_threshold = 1, .recovery_timeout = 1s});
  std::get<Permit>(scenario.breaker.acquire()).settle(Outcome::failure);
  scenario.now += 1999ms;
  CHECK_FALSE(scenario.breaker.is_evictable(0ms));
  scenario.now += 1ms;
  CHECK(scenario.breaker.is_evictable(0ms));
  Admission probe = scenario.breaker.acquire();
  CHECK_FALSE(scenario.breaker.is_evictable(0ms));
}
