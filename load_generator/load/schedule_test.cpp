#include "load_generator/load/schedule.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <stdexcept>

using namespace load;
using std::chrono::milliseconds;

TEST_CASE("uniform calls have even gaps, go to the targets in turn, and none is due at the very end") {
  const auto calls = plan_calls({.rate = 10, .duration = milliseconds(500)}, 3);
  REQUIRE(calls.size() == 5);
  for (size_t i = 0; i < calls.size(); ++i) {
    CHECK(calls[i].due == milliseconds(100 * i));
    CHECK(calls[i].target == i % 3);
  }
}

TEST_CASE("calls of a burst share one due time, and the rate does not change") {
  const auto calls = plan_calls({.rate = 40, .duration = milliseconds(1000), .burst = 10}, 10);
  REQUIRE(calls.size() == 40);
  CHECK(calls[9].due == milliseconds(0));
  CHECK(calls[10].due == milliseconds(250));
  CHECK(calls[9].target == 9);
}

TEST_CASE("poisson arrivals repeat with their seed, differ with another, and keep the rate") {
  const LoadSettings settings{.rate = 100, .duration = milliseconds(100'000), .arrivals = Arrivals::poisson, .seed = 7};
  const auto calls = plan_calls(settings, 3);
  CHECK(calls == plan_calls(settings, 3));
  LoadSettings other = settings;
  other.seed = 8;
  CHECK(calls != plan_calls(other, 3));
  CHECK(calls.size() > 10'000 - 400);  // 4 standard deviations: sqrt(10000) = 100 each
  CHECK(calls.size() < 10'000 + 400);
  CHECK(std::is_sorted(calls.begin(), calls.end(), [](const auto& a, const auto& b) { return a.due < b.due; }));
}

TEST_CASE("a random spread reaches every target, and repeats with its seed") {
  const LoadSettings settings{.rate = 100, .duration = milliseconds(3000), .spread = Spread::random, .seed = 7};
  const auto calls = plan_calls(settings, 3);
  CHECK(calls == plan_calls(settings, 3));
  std::vector<int> counts(3);
  for (const auto& call : calls) counts.at(call.target) += 1;
  for (const int count : counts) CHECK(count > 60);
}

TEST_CASE("an error names the invalid setting") {
  CHECK_THROWS_WITH_AS(plan_calls({.rate = 0}, 1), doctest::Contains("rate"), std::invalid_argument);
  CHECK_THROWS_WITH_AS(plan_calls({.duration = milliseconds(0)}, 1), doctest::Contains("duration"),
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(plan_calls({.burst = 0}, 1), doctest::Contains("burst"), std::invalid_argument);
  CHECK_THROWS_WITH_AS(plan_calls({}, 0), doctest::Contains("targets"), std::invalid_argument);
  CHECK_THROWS_WITH_AS(plan_calls({.rate = 10'000, .duration = std::chrono::hours(1)}, 1), doctest::Contains("million"),
                       std::invalid_argument);
}
