#include "simple_breaker/around/rejected_call.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>

#include "simple_breaker/circuit_breaker.hpp"

using namespace cb;
using namespace std::chrono_literals;

namespace {

constexpr TimePoint now{1000s};

struct Prices {
  CircuitBreaker breaker{{.failure_threshold = 2, .recovery_timeout = 4s}, {}, [] { return now; }, {"prices", "acme"}};

  void open() {
    for (int i = 0; i < 2; ++i) std::get<Permit>(breaker.acquire()).settle(Outcome::failure);
  }
};

}  // namespace

TEST_CASE("a rejection can be explained: which breaker, in which state, why, and how long") {
  Prices prices;
  CHECK(prices.breaker.describe().cause.empty());
  prices.open();
  const auto rejection = std::get<Rejection>(prices.breaker.acquire());
  CHECK(explain(prices.breaker, rejection) == "prices/acme is open (2 consecutive failures), retry in 4000ms");
  CHECK(explain(BreakerDescription{}, rejection) == "the breaker is open, retry in 4000ms");
  prices.breaker.apply_override({Mode::forced_open, "ann", "migration"}, {});
  CHECK(prices.breaker.describe().cause == "forced open by ann: migration");
}

TEST_CASE("execute_or_throw returns the plain result, and throws what names breaker, state and cause") {
  Prices prices;
  int value = 7;
  static_assert(std::is_same_v<decltype(execute_or_throw(prices.breaker, [&]() -> int& { return value; })), int&>);
  CHECK(&execute_or_throw(prices.breaker, [&]() -> int& { return value; }) == &value);
  CHECK(execute_or_throw(prices.breaker, [] { return std::string("tea"); }) == "tea");
  CHECK(*execute_or_throw(prices.breaker, [] { return std::make_unique<int>(3); }) == 3);
  std::string moved = "coffee";
  const auto moves = [&]() -> std::string&& { return std::move(moved); };
  static_assert(std::is_same_v<decltype(execute_or_throw(prices.breaker, moves)), std::string>);
  CHECK(execute_or_throw(prices.breaker, moves) == "coffee");
  execute_or_throw(prices.breaker, [&] { value = 8; });
  CHECK(value == 8);
  prices.open();
  try {
    execute_or_throw(prices.breaker, [&] { value = 9; });
    FAIL("it was not rejected");
  } catch (const RejectedCall& rejected) {
    CHECK(rejected.breaker() == "prices/acme");
    CHECK(rejected.cause() == "2 consecutive failures");
    CHECK(rejected.state == State::open);
    CHECK(rejected.retry_after == 4s);
    CHECK(std::string(rejected.what()) == "prices/acme is open (2 consecutive failures), retry in 4000ms");
  }
  CHECK(value == 8);
}

TEST_CASE("execute_or_throw passes on the call's exception, and judges as execute does") {
  Prices prices;
  CHECK_THROWS_AS(execute_or_throw(prices.breaker, [] { throw std::out_of_range("x"); }), std::out_of_range);
  CHECK(execute_or_throw(
            prices.breaker, [] { return 503; }, [](int) { return Outcome::failure; }) == 503);
  CHECK(prices.breaker.status().state == State::open);
}

TEST_CASE("a breaker around a call that throws RejectedCall ignores it") {
  Prices inner, outer;
  inner.open();
  const auto call = [&] { execute_or_throw(inner.breaker, [] {}); };
  for (int i = 0; i < 3; ++i) CHECK_THROWS_AS(execute_or_throw(outer.breaker, call), RejectedCall);
  CHECK(outer.breaker.status().failures == 0);
}

TEST_CASE("the notice of an opening says what was counted") {
  std::vector<Notice> opened;
  const auto listen = [&](const Notice& notice) {
    if (notice.kind == NoticeKind::transition) opened.push_back(notice);
  };
  TimePoint at = now;
  CircuitBreaker breaker(
      {.failure_threshold = 3, .failure_rate_threshold = 1, .slow_call_duration_threshold = 1s, .recovery_timeout = 1s},
      listen, [&] { return at; });
  const auto call = [&](Outcome outcome, std::chrono::milliseconds took) {
    Permit permit = std::get<Permit>(breaker.acquire());
    at += took;
    permit.settle(outcome);
  };
  call(Outcome::success, 0s);
  call(Outcome::success, 1s);
  for (int i = 0; i < 3; ++i) call(Outcome::failure, 0s);
  REQUIRE(opened.size() == 1);
  CHECK(opened[0].counted == CountedCalls{3, {5, 3, 1}});
  at += 1s;
  call(Outcome::failure, 0s);
  REQUIRE(opened.size() == 3);  // a probe's failure is no count of a closed circuit
  CHECK(opened[2].to == State::open);
  CHECK(opened[2].counted == CountedCalls{});
}

TEST_CASE("the state for the next call is half-open as soon as the break is over") {
  TimePoint at = now;
  CircuitBreaker breaker({.failure_threshold = 1, .recovery_timeout = 4s}, {}, [&] { return at; });
  CHECK(breaker.status().state_for_next_call() == State::closed);
  std::get<Permit>(breaker.acquire()).settle(Outcome::failure);
  CHECK(breaker.status().state_for_next_call() == State::open);
  at += 4s;
  CHECK(breaker.status().state == State::open);
  CHECK(breaker.status().state_for_next_call() == State::half_open);
  breaker.apply_override({Mode::forced_open, "ann", ""}, {});
  CHECK(breaker.status().state_for_next_call() == State::open);
}
