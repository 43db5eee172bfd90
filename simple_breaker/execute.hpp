// execute() makes one protected call: it acquires a permit, runs the call and settles the permit by its outcome.
// Thread-safe, as the breaker is. No lock is held while the call runs.
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

// Runs `call` if the breaker admits it: returns its result (std::monostate for void), or the Rejection. The caller gets
// the exceptions of `call`. `judge` is an OutcomeRules, or a callable that maps a result to an Outcome; with a callable
// every exception is a failure. By default every exception is a failure and every result a success.
template <class Call, class Judge = OutcomeRules>
auto execute(Breaker& breaker, Call&& call, Judge&& judge = {}) {
  using Answer = std::variant<decltype(detail::value_of(std::forward<Call>(call))), Rejection>;
  Admission admission = breaker.acquire();
  if (const auto* rejection = std::get_if<Rejection>(&admission)) return Answer(*rejection);
  Permit& permit = std::get<Permit>(admission);  // if a judge throws, its destructor settles it as ignored
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
