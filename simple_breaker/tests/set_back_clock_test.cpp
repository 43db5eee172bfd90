// The clock is set back: no deadline that was set before it is further away than it was then.
#include <doctest/doctest.h>

#include <array>

#include "simple_breaker/circuit_breaker.hpp"

using namespace cb;
using namespace std::chrono_literals;

namespace {

const Policy policy{.failure_threshold = 2,
                    .failure_rate_threshold = 0.6,
                    .sliding_window_size = 10s,
                    .minimum_number_of_calls = 5,
                    .clear_interval = 30s,
                    .recovery_timeout = 5s,
                    .probe_timeout = 4s,
                    .half_open_timeout = 6s};

constexpr std::array<std::chrono::milliseconds, 3> steps_back{50ms, 4'000ms, 86'400'000ms};

// A breaker that trusts a wall clock, which the tests set.
struct OnWallClock {
  bool admits() { return std::holds_alternative<Permit>(breaker.acquire()); }
  void call(Outcome outcome) { std::get<Permit>(breaker.acquire()).settle(outcome); }
  void trip() {
    call(Outcome::failure);
    call(Outcome::failure);
  }
  State after(std::chrono::milliseconds time) {
    now += time;
    return breaker.status().state;
  }

  TimePoint now{std::chrono::hours(24 * 365)};
  CircuitBreaker breaker{policy, {}, [this] { return now; }};
};

}  // namespace

TEST_CASE("a clock that is set back does not lengthen a break") {
  for (const auto back : steps_back) {
    OnWallClock wall;
    wall.trip();
    wall.now -= back;
    CHECK_FALSE(wall.admits());
    wall.now += 5s;
    CHECK(wall.admits());
  }
}

TEST_CASE("a clock that is set back neither lengthens a lease nor frees its slot") {
  for (const auto back : steps_back) {
    OnWallClock wall;
    wall.trip();
    wall.now += 5s;
    Admission probe = wall.breaker.acquire();
    wall.now -= back;
    CHECK_FALSE(wall.admits());
    CHECK(wall.after(0s) == State::half_open);
    CHECK(wall.after(4s) == State::open);
  }
}

TEST_CASE("a clock that is set back does not lengthen a half-open period") {
  for (const auto back : steps_back) {
    OnWallClock wall;
    wall.trip();
    wall.now += 5s;
    wall.call(Outcome::ignored);
    wall.now -= back;
    CHECK(wall.after(0s) == State::half_open);
    CHECK(wall.after(6s) == State::open);
  }
}

TEST_CASE("a clock that is set back does not lengthen an order") {
  for (const auto back : steps_back) {
    OnWallClock wall;
    wall.breaker.apply_override({Mode::forced_open, "ann", ""}, 5s);
    wall.now -= back;
    CHECK_FALSE(wall.admits());
    wall.now += 5s;
    CHECK(wall.admits());
    wall.breaker.apply_override({Mode::forced_closed, "ann", ""}, 5s);
    wall.now -= back;
    wall.trip();
    CHECK(wall.after(5s) == State::closed);
    wall.trip();
    CHECK(wall.after(0s) == State::open);
  }
}

TEST_CASE("a clock that is set back does not put off the clearing of counts") {
  for (const auto back : steps_back) {
    OnWallClock wall;
    wall.call(Outcome::failure);
    wall.now -= back;
    CHECK(wall.after(0s) == State::closed);  // the first event after the step cuts
    CHECK(wall.after(30s) == State::closed);
    wall.call(Outcome::failure);
    CHECK(wall.breaker.status().failures == 1);
  }
}

TEST_CASE("a clock that is set back neither empties the window nor stops it, though successes take the fast path") {
  OnWallClock wall;
  for (int i = 0; i < 4; ++i) wall.call(i % 2 == 0 ? Outcome::failure : Outcome::success);
  wall.now -= 24h;
  wall.call(Outcome::success);
  CHECK(wall.breaker.detailed_status().recent == CallCounts{5, 2, 0});
  wall.now += 10s;
  for (int i = 0; i < 3; ++i) wall.call(Outcome::success);
  CHECK(wall.breaker.detailed_status().recent == CallCounts{3, 0, 0});
}
