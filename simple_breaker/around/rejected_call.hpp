// What a program makes of a Rejection: a line for its log, or an exception for callers that expect one. Both name the
// breaker, its state, the cause of that state and the wait.
// Thread-safe: every function. explain() may take the breaker's lock, but never asks a store.
#pragma once

#include <functional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>

#include "simple_breaker/breaker.hpp"
#include "simple_breaker/execute.hpp"

namespace cb {

// "prices is open (3 consecutive failures), retry in 4000ms". The cause is left out if this process does not know it:
// another one opened a shared breaker. The state is the rejection's; the breaker may have left it since.
std::string explain(const BreakerDescription& breaker, const Rejection& rejection);
inline std::string explain(const Breaker& breaker, const Rejection& rejection) {
  return explain(breaker.describe(), rejection);
}

// In place of a result. It is a Rejection, too: a breaker around the call ignores it.
class RejectedCall : public std::runtime_error, public Rejection {
 public:
  RejectedCall(BreakerDescription by, const Rejection& rejection)
      : std::runtime_error(explain(by, rejection)), Rejection(rejection), breaker_(std::move(by)) {}
  const std::string& breaker() const { return breaker_.name; }
  const std::string& cause() const { return breaker_.cause; }

 private:
  BreakerDescription breaker_;
};

namespace detail {

// A && refers to what execute() has moved into its answer, so it is returned as a value.
template <class Result>
using Returned = std::conditional_t<std::is_rvalue_reference_v<Result>, std::remove_cvref_t<Result>, Result>;

}  // namespace detail

// execute(), for callers that expect an exception: returns what `call` returns, and throws RejectedCall in place of
// returning a Rejection.
template <class Call, class Judge = OutcomeRules>
detail::Returned<std::invoke_result_t<Call>> execute_or_throw(Breaker& breaker, Call&& call, Judge&& judge = {}) {
  using Result = std::invoke_result_t<Call>;
  auto answer = cb::execute(breaker, std::forward<Call>(call), std::forward<Judge>(judge));
  if (const auto* rejection = std::get_if<1>(&answer)) throw RejectedCall(breaker.describe(), *rejection);
  if constexpr (std::is_lvalue_reference_v<Result>) {
    return std::get<0>(answer).get();
  } else if constexpr (!std::is_void_v<Result>) {
    return std::get<0>(std::move(answer));
  }
}

}  // namespace cb
