// Compiled as C++23, as a program that returns std::expected is. Some compilers have C++23, but not std::expected yet.
#include <doctest/doctest.h>

#include <string>
#include <version>

#include "simple_breaker/circuit_breaker.hpp"
#include "simple_breaker/execute.hpp"

#ifdef __cpp_lib_expected

#include <expected>

using namespace cb;

namespace {

enum class Error { no_answer, not_found };
using Answer = std::expected<std::string, Error>;

int failures_after(const Answer& answer, const OutcomeRules& rules = {}) {
  CircuitBreaker breaker({.failure_threshold = 10});
  static_cast<void>(execute(
      breaker, [] { return Answer(std::unexpected(Error::no_answer)); }, OutcomeRules{}));
  CHECK(breaker.status().failures == 1);
  static_cast<void>(execute(
      breaker, [&] { return answer; }, rules));
  return breaker.status().failures;
}

constexpr int counted = 2, as_before = 1, reset = 0;

}  // namespace

TEST_CASE("an expected with its value is a success, and one without it a failure") {
  CHECK(failures_after("tea") == reset);
  CHECK(failures_after(std::unexpected(Error::not_found)) == counted);
}

TEST_CASE("a rule matches the error or the value inside an expected") {
  const auto ignore_not_found =
      OutcomeRules{}.ignore_result<Error>([](Error error) { return error == Error::not_found; });
  CHECK(failures_after(std::unexpected(Error::not_found), ignore_not_found) == as_before);
  CHECK(failures_after(std::unexpected(Error::no_answer), ignore_not_found) == counted);
  const auto no_empty_text = OutcomeRules{}.handle_result<std::string>(&std::string::empty);
  CHECK(failures_after("", no_empty_text) == counted);
  CHECK(failures_after("tea", no_empty_text) == reset);
}

TEST_CASE("a Rejection inside an expected is ignored, also where there is no value to hold") {
  CircuitBreaker breaker({.failure_threshold = 1});
  using Nested = std::expected<void, Rejection>;
  static_cast<void>(execute(breaker, [] { return Nested(std::unexpected(Rejection{})); }));
  CHECK(breaker.status().state == State::closed);
  static_cast<void>(execute(breaker, [] { return std::expected<void, int>(); }));
  static_cast<void>(execute(breaker, [] { return std::expected<void, int>(std::unexpected(1)); }));
  CHECK(breaker.status().state == State::open);
}

#endif
