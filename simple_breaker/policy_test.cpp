#include "simple_breaker/policy.hpp"

#include <doctest/doctest.h>

#include <stdexcept>

#include "simple_breaker/breaker.hpp"

using namespace cb;
using namespace std::chrono_literals;

TEST_CASE("the defaults are those of the reference, and valid") {
  const Policy policy;
  CHECK(policy.failure_threshold == 3);
  CHECK(policy.recovery_timeout == 10s);
  CHECK(validate(policy).empty());
}

TEST_CASE("each setting out of range is one line that names it and its value") {
  const Policy policy{.failure_threshold = 0,
                      .recovery_timeout = -5ms,
                      .permitted_calls_in_half_open = 2'000'000,
                      .success_threshold = 0,
                      .probe_timeout = 0ms};
  const auto faults = validate(policy);
  REQUIRE(faults.size() == 5);
  CHECK(faults[0] == "failure_threshold is 0; it must be 1 to 1000000");
  CHECK(faults[1] == "recovery_timeout is -5ms; it must be 1ms to 31536000000ms");
  CHECK(faults[2] == "permitted_calls_in_half_open is 2000000; it must be 1 to 1000000");
  CHECK_THROWS_AS(require_valid(policy), std::invalid_argument);
}

TEST_CASE("a breaker's name is bounded, and plain enough for a key, a path and a label") {
  CHECK_NOTHROW(require_valid_name("unreliable_service/acme-1.v2"));
  CHECK_NOTHROW(require_valid_name(std::string(256, 'a')));
  for (const std::string& bad : {std::string(), std::string(257, 'a'), std::string("a b"), std::string("a:b"),
                                 std::string("a{b}"), std::string("a\nb"), std::string("\xc3\xa9")}) {
    CHECK_THROWS_AS(require_valid_name(bad), std::invalid_argument);
  }
}
