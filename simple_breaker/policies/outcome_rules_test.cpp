#include "simple_breaker/policies/outcome_rules.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include "simple_breaker/around/rejected_call.hpp"
#include "simple_breaker/circuit_breaker.hpp"
#include "simple_breaker/execute.hpp"

using namespace cb;
using namespace std::chrono_literals;

// A program whose functions have the names of the library's. Only is_refusal() is asked for.
namespace app {

struct Reply {
  int status = 200;
};
template <class... T>
bool is_error(const Reply&, const T&...) {
  return true;
}
bool is_error(const Reply&) { return true; }
template <class... T>
void holds_refusal(const Reply&, const T&...) {}
void find_part(const Reply&, auto&&) {}
void any_inside(const Reply&, auto&&) {}
void held_by(const Reply&) {}
void referred(const Reply&) {}
void value_of(auto&&) {}
void outcome_of_result(auto&&...) {}
void outcome_of_exception(auto&&...) {}
int execute(auto&&...) { return 0; }
void explain(auto&&...) {}

const auto not_found = [] { return Reply{404}; };

}  // namespace app

namespace {

// README.md quotes the following lines.
struct ShipmentError : std::runtime_error {
  using std::runtime_error::runtime_error;
  bool retryable = false;
};
struct ShipmentResult {
  int status = 200;
};

const auto shipments = cb::OutcomeRules{}
                           .handle_exception<ShipmentError>(&ShipmentError::retryable)
                           .ignore_result<ShipmentResult>([](const auto& result) { return result.status == 404; })
                           .handle_result<ShipmentResult>([](const auto& result) { return result.status >= 400; });

auto ship(cb::Breaker& breaker, const std::function<ShipmentResult()>& call) {
  return cb::execute(breaker, call, shipments);
}
// End of the quotation.

struct LostParcel : ShipmentError {
  using ShipmentError::ShipmentError;
};

ShipmentError shipment_error(bool retryable) {
  ShipmentError error("no ship");
  error.retryable = retryable;
  return error;
}

const auto throws = [](const auto& thrown) { return [thrown]() -> ShipmentResult { throw thrown; }; };
const auto answers = [](int status) { return [status] { return ShipmentResult{status}; }; };

// The outcome of one call, read from a breaker that has counted one failure: a success resets the count, a failure
// increments it, an ignored outcome keeps it.
template <class Call>
Outcome counted_as(const Call& call, const OutcomeRules& counts) {
  CircuitBreaker breaker({.failure_threshold = 2});
  std::get<Permit>(breaker.acquire()).settle(Outcome::failure);
  try {
    (void)cb::execute(breaker, call, counts);
  } catch (...) {
  }
  const int failures = breaker.status().failures;
  if (failures == 1) return Outcome::ignored;
  return failures == 0 ? Outcome::success : Outcome::failure;
}

// A breaker whose next call is a probe.
struct Probed {
  Probed() {
    std::get<Permit>(breaker.acquire()).settle(Outcome::failure);
    now += 1s;
  }
  TimePoint now{1000s};
  CircuitBreaker breaker{
      {.failure_threshold = 1, .recovery_timeout = 1s, .probe_timeout = 1h}, {}, [this] { return now; }};
};

}  // namespace

TEST_CASE("without a rule every exception is a failure and every result a success") {
  CHECK(counted_as(throws(std::runtime_error("down")), {}) == Outcome::failure);
  CHECK(counted_as(throws(42), {}) == Outcome::failure);
  CHECK(counted_as([] { return 42; }, {}) == Outcome::success);
}

TEST_CASE("functions of the program that have the library's names decide nothing") {
  const auto only_500 = OutcomeRules{}.handle_result<app::Reply>([](const auto& reply) { return reply.status == 500; });
  CHECK(counted_as(app::not_found, {}) == Outcome::success);
  CHECK(counted_as(app::not_found, only_500) == Outcome::success);
  CircuitBreaker breaker({.failure_threshold = 1});
  CHECK(cb::execute_or_throw(breaker, app::not_found).status == 404);
  (void)cb::execute(breaker, app::not_found, [](const app::Reply&) { return Outcome::failure; });
  CHECK(breaker.status().state == State::open);
}

TEST_CASE("an exception that a rule matches is a failure, and any other is ignored") {
  CHECK(counted_as(throws(shipment_error(true)), shipments) == Outcome::failure);
  CHECK(counted_as(throws(shipment_error(false)), shipments) == Outcome::ignored);
  CHECK(counted_as(throws(std::runtime_error("another")), shipments) == Outcome::ignored);
  CHECK(counted_as(throws(42), shipments) == Outcome::ignored);
}

TEST_CASE("a rule without a predicate matches every exception of its type, and of derived types") {
  const auto counts = OutcomeRules{}.handle_exception<ShipmentError>();
  CHECK(counted_as(throws(LostParcel("lost")), counts) == Outcome::failure);
  CHECK(counted_as(throws(std::runtime_error("its base")), counts) == Outcome::ignored);
}

TEST_CASE("if rules only ignore exceptions, every other exception is a failure") {
  const auto counts = OutcomeRules{}.ignore_exception<std::invalid_argument>();
  CHECK(counted_as(throws(std::invalid_argument("the caller's fault")), counts) == Outcome::ignored);
  CHECK(counted_as(throws(std::runtime_error("down")), counts) == Outcome::failure);
}

TEST_CASE("a result is a failure, ignored, or a success") {
  CHECK(counted_as(answers(500), shipments) == Outcome::failure);
  CHECK(counted_as(answers(404), shipments) == Outcome::ignored);
  CHECK(counted_as(answers(200), shipments) == Outcome::success);
  // An int is not a ShipmentResult. Only rules without the types of their results, as here, take it.
  CHECK(counted_as([] { return 500; }, shipments) == Outcome::success);
}

TEST_CASE("the first rule that matches decides") {
  const auto lost_first = OutcomeRules{}.ignore_exception<LostParcel>().handle_exception<ShipmentError>();
  CHECK(counted_as(throws(LostParcel("lost")), lost_first) == Outcome::ignored);
  const auto lost_last = OutcomeRules{}.handle_exception<ShipmentError>().ignore_exception<LostParcel>();
  CHECK(counted_as(throws(LostParcel("lost")), lost_last) == Outcome::failure);
  const auto is_error = [](int status) { return status >= 400; };
  const auto is_missing = [](int status) { return status == 404; };
  const auto missing = [] { return 404; };
  CHECK(counted_as(missing, OutcomeRules{}.ignore_result<int>(is_missing).handle_result<int>(is_error)) ==
        Outcome::ignored);
  CHECK(counted_as(missing, OutcomeRules{}.handle_result<int>(is_error).ignore_result<int>(is_missing)) ==
        Outcome::failure);
}

namespace {

template <class Inner>
auto wrapped(const Inner& inner, int times) {
  return [inner, times]() -> ShipmentResult {
    std::exception_ptr thrown = std::make_exception_ptr(inner);
    for (int i = 0; i < times; ++i) {
      try {
        std::rethrow_exception(thrown);
      } catch (...) {
        try {
          std::throw_with_nested(std::logic_error("while shipping"));
        } catch (...) {
          thrown = std::current_exception();
        }
      }
    }
    std::rethrow_exception(thrown);
  };
}

}  // namespace

TEST_CASE("a rule matches an exception that is nested in others") {
  for (const int times : {1, 2, 5}) {
    CHECK(counted_as(wrapped(shipment_error(true), times), shipments) == Outcome::failure);
    CHECK(counted_as(wrapped(shipment_error(false), times), shipments) == Outcome::ignored);
    CHECK(counted_as(wrapped(LostParcel("lost"), times), OutcomeRules{}.ignore_exception<ShipmentError>()) ==
          Outcome::ignored);
    CHECK(counted_as(wrapped(42, times), OutcomeRules{}.handle_exception<int>()) == Outcome::failure);
    CHECK(counted_as(wrapped(42, times), OutcomeRules{}.handle_exception<std::logic_error>()) == Outcome::failure);
    CHECK(counted_as(wrapped(42, times), OutcomeRules{}.handle_exception<ShipmentError>()) == Outcome::ignored);
  }
}

TEST_CASE("a rule for a result matches it in a variant, an optional or a reference, too") {
  using Maybe = std::optional<ShipmentResult>;
  using Either = std::variant<std::string, Maybe>;
  CHECK(counted_as([] { return Maybe(ShipmentResult{500}); }, shipments) == Outcome::failure);
  CHECK(counted_as([] { return Maybe(ShipmentResult{404}); }, shipments) == Outcome::ignored);
  CHECK(counted_as([] { return Maybe(ShipmentResult{200}); }, shipments) == Outcome::success);
  CHECK(counted_as([] { return Maybe(); }, shipments) == Outcome::success);
  CHECK(counted_as([] { return Either(ShipmentResult{500}); }, shipments) == Outcome::failure);
  CHECK(counted_as([] { return Either("nothing to ship"); }, shipments) == Outcome::success);
  const ShipmentResult failed{500};
  CHECK(counted_as([&]() -> const ShipmentResult& { return failed; }, shipments) == Outcome::failure);
}

TEST_CASE("rules may be chosen at run time") {
  for (const bool strict : {false, true}) {
    OutcomeRules counts;
    if (strict) counts = counts.handle_result<ShipmentResult>([](const auto& result) { return result.status >= 500; });
    CHECK(counted_as(answers(500), counts) == (strict ? Outcome::failure : Outcome::success));
  }
}

TEST_CASE("adding a rule returns new rules and leaves the old ones unchanged") {
  const OutcomeRules before;
  const auto after = before.ignore_exception<int>();
  CHECK(counted_as(throws(42), before) == Outcome::failure);
  CHECK(counted_as(throws(42), after) == Outcome::ignored);
}

TEST_CASE("the caller gets results and exceptions, whatever their outcome") {
  CircuitBreaker breaker({.failure_threshold = 100});
  CHECK(std::get<ShipmentResult>(ship(breaker, answers(404))).status == 404);
  CHECK(std::get<ShipmentResult>(ship(breaker, answers(500))).status == 500);
  CHECK_THROWS_AS(execute(breaker, throws(LostParcel("lost")), shipments), LostParcel);
  CHECK_THROWS_WITH_AS(execute(breaker, throws(std::logic_error("ours")), shipments), "ours", std::logic_error);
}

TEST_CASE("a call that returns void is a success, unless it throws") {
  CHECK(counted_as([] {}, shipments) == Outcome::success);
  CHECK(counted_as([] { throw shipment_error(true); }, shipments) == Outcome::failure);
  CircuitBreaker breaker(Policy{});
  const auto counts = OutcomeRules{}.handle_exception<ShipmentError>();
  CHECK(std::holds_alternative<std::monostate>(execute(
      breaker, [] {}, counts)));
}

TEST_CASE("a move-only result is judged and returned") {
  using Parcel = std::unique_ptr<int>;
  const auto counts = OutcomeRules{}.handle_result<Parcel>([](const Parcel& parcel) { return parcel == nullptr; });
  CircuitBreaker breaker({.failure_threshold = 1});
  const auto answer = execute(
      breaker, [] { return std::make_unique<int>(42); }, counts);
  CHECK(*std::get<Parcel>(answer) == 42);
  (void)execute(
      breaker, [] { return Parcel(); }, counts);
  CHECK(breaker.status().state == State::open);
}

TEST_CASE("an ignored probe frees its slot and decides nothing") {
  Probed probed;
  ship(probed.breaker, answers(404));
  CHECK(probed.breaker.status().state == State::half_open);
  CHECK_THROWS_AS(execute(probed.breaker, throws(42), shipments), int);
  CHECK(probed.breaker.status().state == State::half_open);
  ship(probed.breaker, answers(200));  // the slot is free, though no lease ran out
  CHECK(probed.breaker.status().state == State::closed);
}

TEST_CASE("the caller gets what a predicate throws, and the permit is settled as ignored") {
  const auto broken = [](const auto&) -> bool { throw std::logic_error("broken rule"); };
  Probed probed;
  const auto by_result = OutcomeRules{}.handle_result<ShipmentResult>(broken);
  CHECK_THROWS_WITH_AS(execute(probed.breaker, answers(200), by_result), "broken rule", std::logic_error);
  const auto by_exception = OutcomeRules{}.handle_exception<ShipmentError>(broken).handle_exception<std::exception>();
  CHECK_THROWS_WITH_AS(execute(probed.breaker, throws(LostParcel("lost")), by_exception), "broken rule",
                       std::logic_error);
  CHECK(probed.breaker.status().state == State::half_open);
  CHECK(std::holds_alternative<Permit>(probed.breaker.acquire()));
}

TEST_CASE("a rejection consults no rule and makes no call") {
  CircuitBreaker breaker({.failure_threshold = 1});
  ship(breaker, answers(500));
  int calls = 0;
  const auto answer = execute(
      breaker, [&] { return ShipmentResult{++calls}; }, shipments);
  CHECK(std::get<Rejection>(answer).state == State::open);
  CHECK(calls == 0);
}

TEST_CASE("many threads use the same rules at once") {
  constexpr int threads = 4, each = 500;
  CircuitBreaker breaker({.failure_threshold = threads * each + 1});
  {
    std::vector<std::jthread> callers;
    for (int i = 0; i < threads; ++i) {
      callers.emplace_back([&] {
        for (int call = 0; call < each; ++call) {
          ship(breaker, answers(500));
          ship(breaker, answers(404));
          try {
            (void)execute(breaker, throws(shipment_error(false)), shipments);
          } catch (const ShipmentError&) {
          }
        }
      });
    }
  }
  CHECK(breaker.status().failures == threads * each);
}
