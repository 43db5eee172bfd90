#include "simple_breaker/around/ramp.hpp"

#include <doctest/doctest.h>

#include <stdexcept>
#include <variant>

#include "simple_breaker/circuit_breaker.hpp"

using namespace cb;
using namespace std::chrono_literals;

namespace {

struct RampedUp {
  TimePoint now{1000s};
  CircuitBreaker breaker{{.failure_threshold = 1, .recovery_timeout = 1s}, {}, [this] { return now; }};
  Ramp ramp{breaker, 30s, [this] { return now; }};

  // Of 100 calls, which all succeed.
  int admitted() {
    int count = 0;
    for (int i = 0; i < 100; ++i) {
      Admission admission = ramp.acquire();
      auto* permit = std::get_if<Permit>(&admission);
      if (permit == nullptr) continue;
      permit->settle(Outcome::success);
      ++count;
    }
    return count;
  }
  void fail() { std::get<Permit>(ramp.acquire()).settle(Outcome::failure); }
  void break_and_probe() {
    fail();
    CHECK(std::holds_alternative<Rejection>(ramp.acquire()));
    now += 1s;
    std::get<Permit>(ramp.acquire()).settle(Outcome::success);
    CHECK(ramp.status().state == State::closed);
  }
};

}  // namespace

TEST_CASE("after a break a ramp admits 10, 25 and 50 % of the calls, each for a third of its length, and then all") {
  RampedUp up;
  CHECK(up.admitted() == 100);
  up.break_and_probe();
  CHECK(up.admitted() == 10);
  up.now += 10s;
  CHECK(up.admitted() == 25);
  up.now += 10s;
  CHECK(up.admitted() == 50);
  up.now += 10s;
  CHECK(up.admitted() == 100);
}

TEST_CASE("the first call after a break is admitted, and a ramp's rejection says when its next share begins") {
  RampedUp up;
  up.break_and_probe();
  CHECK(std::holds_alternative<Permit>(up.ramp.acquire()));
  CHECK(std::get<Rejection>(up.ramp.acquire()) == Rejection{State::closed, 10s});
  up.now += 9999ms;
  CHECK(std::get<Rejection>(up.ramp.acquire()) == Rejection{State::closed, 1ms});
  CHECK(up.ramp.describe().cause == "ramping up after a break");
}

TEST_CASE("a circuit that opens during a ramp begins another one after the next break") {
  RampedUp up;
  up.break_and_probe();
  up.now += 20s;
  up.break_and_probe();
  CHECK(up.admitted() == 10);
}

TEST_CASE("a clock that is set back ends a ramp") {
  RampedUp up;
  up.break_and_probe();
  CHECK(up.admitted() == 10);
  up.now -= 60s;
  CHECK(up.admitted() == 100);
}

TEST_CASE("calls that a ramp rejects are no evidence for its breaker") {
  RampedUp up;
  up.break_and_probe();
  up.admitted();
  CHECK(up.breaker.status().failures == 0);
  CHECK(up.breaker.detailed_status().late_results == 0);
}

TEST_CASE("a ramp without a length is refused") {
  RampedUp up;
  CHECK_THROWS_AS(Ramp(up.breaker, 0s), std::invalid_argument);
}
