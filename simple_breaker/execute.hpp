// execute() makes one protected call: it acquires a permit, runs the call and settles the permit by its outcome.
// Thread-safe, as the breaker is. No lock is held while the call runs.
// It is for calls that return when their result is there. For others, such as a coroutine, acquire() a permit, and
// settle() it when the result is known.
#pragma once

#include <exception>
#include <functional>
#include <type_traits>
#include <utility>
#include <variant>

#include "simple_breaker/breaker.hpp"
#include "simple_breaker/policies/outcome_rules.hpp"
#include "simple_breaker/policies/pending_result.hpp"
#include "simple_breaker/policies/refusal.hpp"

namespace cb {
namespace detail {

// The result as a value that a variant can hold: std::monostate for void, std::reference_wrapper for a reference.
template <class Call>
auto value_of(Call&& call) {
  using Result = std::invoke_result_t<Call>;
  if constexpr (std::is_void_v<Result>) {
    std::invoke(std::forward<Call>(call));
    return std::monostate{};
  } else if constexpr (std::is_lvalue_reference_v<Result> && std::is_object_v<std::remove_reference_t<Result>>) {
    return std::ref(std::invoke(std::forward<Call>(call)));
  } else {
    return std::invoke(std::forward<Call>(call));
  }
}

template <class Judge>
inline constexpr bool is_rules = std::is_base_of_v<RuleList, Judge>;

// Whether each of the rules' result types may be found in a Value.
template <class Value, class Judge>
inline constexpr bool rules_can_match = true;
template <class Value, class... Results>
inline constexpr bool rules_can_match<Value, RulesFor<Results...>> = (can_hold<std::remove_cvref_t<Results>, Value>() &&
                                                                      ...);

template <class Judge>
Outcome outcome_of_exception(const Judge& judge, const std::exception_ptr& thrown) {
  if constexpr (is_rules<Judge>) {
    return judge.of_exception(thrown);
  } else {
    return OutcomeRules{}.of_exception(thrown);
  }
}

// The object itself, for a judge that does not know of reference_wrapper.
template <class Value>
const Value& referred(const Value& value) {
  return value;
}
template <class T>
T& referred(const std::reference_wrapper<T>& reference) {
  return reference.get();
}

template <class Judge, class Value>
Outcome outcome_of_result(Judge& judge, const Value& value) {
  if constexpr (is_rules<std::remove_const_t<Judge>>) {
    return judge.of_result(value);
  } else if (cb::holds_refusal(value)) {
    return Outcome::ignored;
  } else {
    return std::invoke(judge, detail::referred(value));
  }
}

}  // namespace detail

// Runs `call` if the breaker admits it: returns its result (std::monostate for void, std::reference_wrapper for a
// reference), or the Rejection. The caller gets the exceptions of `call`. `judge` is an OutcomeRules, or a callable
// that maps a result to an Outcome; with a callable every exception is a failure. By default every exception is a
// failure and every result a success. Ignored, whatever the judge: a result that holds a Rejection (see refusal.hpp), a
// thrown Rejection, and the end of a thread by pthread_cancel() or pthread_exit().
template <class Call, class Judge = OutcomeRules>
[[nodiscard]] auto execute(Breaker& breaker, Call&& call, Judge&& judge = {}) {
  using Value = decltype(detail::value_of(std::forward<Call>(call)));
  static_assert(!detail::holds_pending<Value>,
                "this call returns before its result is there (a future, a coroutine, a thread): acquire() a permit "
                "instead, and settle() it when the result is known");
  static_assert(detail::rules_can_match<Value, std::remove_cvref_t<Judge>>,
                "a rule of handle_result<R> or ignore_result<R> can never match: the call does not return an R");
  using Answer = std::variant<Value, Rejection>;
  Admission admission = breaker.acquire();
  if (const auto* rejection = std::get_if<Rejection>(&admission)) return Answer(std::in_place_index<1>, *rejection);
  Permit& permit = std::get<Permit>(admission);  // if a judge throws, its destructor settles it as ignored
  const auto run = [&] {
    try {
      return detail::value_of(std::forward<Call>(call));
    } catch (...) {
      permit.settle(detail::outcome_of_exception(judge, std::current_exception()));
      throw;
    }
  };
  auto value = run();
  permit.settle(detail::outcome_of_result(judge, value));
  return Answer(std::in_place_index<0>, std::move(value));
}

}  // namespace cb
