// execute(): a protected call for those who do not want to handle permits by hand.
#pragma once

#include <exception>
#include <functional>
#include <type_traits>
#include <utility>
#include <variant>

#include "simple_breaker/breaker.hpp"
#include "simple_breaker/policies/outcome_rules.hpp"

namespace cb {
namespace detail {

// The result as a value: std::monostate for void.
template <class Call>
auto value_of(Call&& call) {
  if constexpr (std::is_void_v<std::invoke_result_t<Call>>) {
    std::invoke(std::forward<Call>(call));
    return std::monostate{};
  } else {
    return std::invoke(std::forward<Call>(call));
  }
}

template <class Judge>
Outcome outcome_of_exception(const Judge& judge) {
  if constexpr (std::is_same_v<Judge, OutcomeRules>) {
    return judge.of_exception(std::current_exception());
  } else {
    return Outcome::failure;
  }
}

template <class Judge, class Value>
Outcome outcome_of_result(Judge& judge, const Value& value) {
  if constexpr (std::is_same_v<std::remove_const_t<Judge>, OutcomeRules>) {
    return judge.of_result(value);
  } else {
    return std::invoke(judge, value);
  }
}

}  // namespace detail

// Runs `call` where the breaker lets it: returns its result (std::monostate for void), or the Rejection; what the call
// throws goes on to the caller. `judge` is a OutcomeRules, or a callable that turns a result into an Outcome, and then
// every exception is a failure. Without it so is every exception, and every result is a success.
template <class Call, class Judge = OutcomeRules>
auto execute(Breaker& breaker, Call&& call, Judge&& judge = {}) {
  using Answer = std::variant<decltype(detail::value_of(std::forward<Call>(call))), Rejection>;
  Admission admission = breaker.acquire();
  if (const auto* rejection = std::get_if<Rejection>(&admission)) return Answer(*rejection);
  Permit& permit = std::get<Permit>(admission);  // where a judge throws, its destructor settles it as ignored
  const auto run = [&] {
    try {
      return detail::value_of(std::forward<Call>(call));
    } catch (...) {
      permit.settle(detail::outcome_of_exception(judge));
      throw;
    }
  };
  auto value = run();
  permit.settle(detail::outcome_of_result(judge, value));
  return Answer(std::move(value));
}

}  // namespace cb
