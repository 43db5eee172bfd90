#include <doctest/doctest.h>

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <variant>

#include "simple_breaker/circuit_breaker.hpp"

using namespace cb;
using namespace std::chrono_literals;

namespace {

std::string last_cause;

std::unique_ptr<CircuitBreaker> with_rule(const Policy& policy, TripRule rule) {
  last_cause.clear();
  const auto config = std::make_shared<BreakerConfig>(
      policy, [](const Notice& notice) { last_cause = notice.cause; }, Clock{}, CoarseClock{}, std::move(rule));
  return std::make_unique<CircuitBreaker>(config, Identity{"prices"});
}

State state_after(Breaker& breaker, Outcome outcome) {
  return std::get<Permit>(breaker.acquire()).settle(outcome).state;
}

const auto three_failures = [](const CountedCalls& counted) -> std::optional<std::string> {
  if (counted.recent.failures < 3) return std::nullopt;
  return std::to_string(counted.recent.failures) + " failures, in a row or not";
};
const Policy windowed{.failure_threshold = 100, .failure_rate_threshold = 1};

}  // namespace

TEST_CASE("a trip rule opens the circuit by the counts, and gives the cause") {
  const auto breaker = with_rule(windowed, three_failures);
  for (int i = 0; i < 2; ++i) {
    CHECK(state_after(*breaker, Outcome::failure) == State::closed);
    CHECK(state_after(*breaker, Outcome::success) == State::closed);
  }
  CHECK(state_after(*breaker, Outcome::failure) == State::open);
  CHECK(last_cause == "3 failures, in a row or not");
}

TEST_CASE("a trip rule is asked after failed and slow calls only, and in no other mode than automatic it opens") {
  int asked = 0;
  const auto breaker = with_rule({.failure_threshold = 2}, [&](const CountedCalls&) -> std::optional<std::string> {
    ++asked;
    return std::nullopt;
  });
  state_after(*breaker, Outcome::success);
  state_after(*breaker, Outcome::ignored);
  CHECK(asked == 0);
  state_after(*breaker, Outcome::failure);
  CHECK(asked == 1);
  CHECK(state_after(*breaker, Outcome::failure) == State::open);  // by the policy, which needs no rule
  CHECK(asked == 1);
  const auto forced = with_rule(windowed, three_failures);
  forced->apply_override({Mode::forced_closed, "ann", ""}, {});
  for (int i = 0; i < 5; ++i) CHECK(state_after(*forced, Outcome::failure) == State::closed);
}

TEST_CASE("a trip rule that throws has no reason to open, and the call is counted") {
  const auto breaker = with_rule({.failure_threshold = 2}, [](const CountedCalls&) -> std::optional<std::string> {
    throw std::runtime_error("a bug");
  });
  CHECK(state_after(*breaker, Outcome::failure) == State::closed);
  CHECK(state_after(*breaker, Outcome::failure) == State::open);
}
