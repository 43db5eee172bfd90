#include "simple_breaker/policies/break_length.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cstdlib>

using namespace cb;
using namespace std::chrono_literals;

TEST_CASE("breaks start at recovery_timeout and grow by the multiplier up to the maximum") {
  const Policy policy{.recovery_timeout = 1s, .recovery_timeout_multiplier = 1.5, .recovery_timeout_maximum = 3000ms};
  CHECK(next_break(policy, {}) == 1s);
  CHECK(next_break(policy, 1s) == 1500ms);
  CHECK(next_break(policy, 1500ms) == 2250ms);
  CHECK(next_break(policy, 2250ms) == 3s);
  CHECK(next_break(policy, 3s) == 3s);
}

TEST_CASE("a maximum below recovery_timeout means no growth") {
  const Policy policy{.recovery_timeout = 10s, .recovery_timeout_multiplier = 2, .recovery_timeout_maximum = 0s};
  CHECK(next_break(policy, {}) == 10s);
  CHECK(next_break(policy, 10s) == 10s);
}

TEST_CASE("jitter is uniform, even among neighbouring generations") {
  const Policy policy{.recovery_timeout_jitter = 0.5};
  constexpr uint64_t now = 1'700'000'000'000'000;
  constexpr int generations = 100'000;
  std::array<int, 10> tenths{};
  for (uint64_t generation = now; generation < now + generations; ++generation) {
    const auto length = jittered(1s, policy, generation);
    REQUIRE(length > 500ms);
    REQUIRE(length <= 1s);
    ++tenths[static_cast<size_t>((1s - length) / 50ms) % 10];
  }
  for (const int tenth : tenths) CHECK(std::abs(tenth - generations / 10) < generations / 100);
}

TEST_CASE("without jitter nothing is random; with full jitter a break still lasts a millisecond") {
  CHECK(jittered(1s, {}, 12345) == 1s);
  const Policy full{.recovery_timeout_jitter = 1};
  for (uint64_t generation = 1; generation < 10'000; ++generation) {
    REQUIRE(jittered(2ms, full, generation) >= 1ms);
  }
}
