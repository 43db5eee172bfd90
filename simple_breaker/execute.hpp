// execute(): a protected call for those who do not want to handle permits by hand.
#pragma once

#include <functional>
#include <type_traits>
#include <utility>
#include <variant>

#include "simple_breaker/breaker.hpp"

namespace cb {

// Runs `call` where the breaker lets it: returns its result (std::monostate for void), or the Rejection.
// What the call throws counts as a failure and goes on to the caller; `outcome_of(result)` says what a result counts
// as, and without it every result is a success.
template <class Call, class OutcomeOf>
auto execute(Breaker& breaker, Call&& call, OutcomeOf&& outcome_of) {
  using Result = std::invoke_result_t<Call>;
  using Value = std::conditional_t<std::is_void_v<Result>, std::monostate, Result>;
  using Answer = std::variant<Value, Rejection>;
  Admission admission = breaker.acquire();
  if (const auto* rejection = std::get_if<Rejection>(&admission)) return Answer(*rejection);
  Permit& permit = std::get<Permit>(admission);
  const auto run = [&]() -> Value {
    try {
      if constexpr (!std::is_void_v<Result>) {
        return std::invoke(std::forward<Call>(call));
      } else {
        std::invoke(std::forward<Call>(call));
        return {};
      }
    } catch (...) {
      permit.settle(Outcome::failure);
      throw;
    }
  };
  Value value = run();
  permit.settle(std::invoke(std::forward<OutcomeOf>(outcome_of), std::as_const(value)));
  return Answer(std::move(value));
}

template <class Call>
auto execute(Breaker& breaker, Call&& call) {
  return execute(breaker, std::forward<Call>(call), [](const auto&) { return Outcome::success; });
}

}  // namespace cb
