// OutcomeRules decides which exceptions and results of a call are failures of the upstream, which are successes, and
// which are no evidence of its health: a 404 neither justifies opening nor proves recovery.
// An immutable value: adding a rule returns a new one. Thread-safe if the predicates are: many calls use one at once.
// Errors: the caller gets what a predicate throws, in place of the call's result or exception, and the permit is
// settled as ignored: a rule that throws is no evidence either way.
#pragma once

#include <concepts>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <type_traits>
#include <typeinfo>
#include <utility>
#include <vector>

#include "simple_breaker/breaker.hpp"
#include "simple_breaker/policies/refusal.hpp"

namespace cb {
namespace detail {

// The rules as data, without the types of the results that they match.
class RuleList {
 public:
  // Empty, if it is no C++ exception: the end of a thread that pthread_cancel() ended, for example. That is ignored,
  // and so is a Rejection.
  Outcome of_exception(const std::exception_ptr& thrown) const;

  template <class R>
  Outcome of_result(const R& result) const {
    if (cb::holds_refusal(result)) return Outcome::ignored;
    Match match;
    for (const auto& rule : result_rules_) {
      const auto matches = [&]<class Part>(const Part& part) {
        match = rule(typeid(Part), std::addressof(part));
        return match.has_value();
      };
      if (detail::find_part(result, matches)) return *match;
    }
    return detail::is_error(result) ? Outcome::failure : Outcome::success;
  }

 protected:
  template <class E, class Matches>
  RuleList with_exception_rule(Matches matches, Outcome outcome) const {
    RuleList more = *this;
    more.exception_rules_.push_back([matches = std::move(matches), outcome](const std::exception_ptr& thrown) -> Match {
      try {
        std::rethrow_exception(thrown);
      } catch (const E& exception) {  // the catch below does not see what `matches` throws
        return std::invoke(matches, exception) ? Match(outcome) : std::nullopt;
      } catch (...) {
        return {};
      }
    });
    if (outcome == Outcome::failure) more.unmatched_exception_ = Outcome::ignored;
    return more;
  }

  template <class R, class Matches>
  RuleList with_result_rule(Matches matches, Outcome outcome) const {
    RuleList more = *this;
    more.result_rules_.push_back(
        [matches = std::move(matches), outcome](const std::type_info& type, const void* result) {
          const bool fits = type == typeid(R) && std::invoke(matches, *static_cast<const R*>(result));
          return fits ? Match(outcome) : std::nullopt;
        });
    return more;
  }

 private:
  using Match = std::optional<Outcome>;  // nothing: the rule does not match

  std::vector<std::function<Match(const std::exception_ptr&)>> exception_rules_;
  std::vector<std::function<Match(const std::type_info&, const void*)>> result_rules_;
  Outcome unmatched_exception_ = Outcome::failure;
};

}  // namespace detail

// The first rule that matches decides, in the order of declaration; exceptions and results have separate lists. A rule
// matches if the type does and its predicate returns true. A predicate is anything that std::invoke takes: a lambda, or
// a member such as `&ShipmentError::retryable`. Without one the rule matches every E.
//   exceptions  a rule for E also matches types derived from E, and an E nested in another exception. An exception that
//               no rule matches is ignored; without any handle_exception it is a failure.
//   results     a rule for R matches results of exactly the type R, also in a variant, optional, reference_wrapper or,
//               with C++23, expected. A result that no rule matches is a success, or a failure if it is an expected
//               without its value. One that holds a Rejection is ignored, whatever the rules.
// `Results`: the types that have a rule. execute() does not compile if one of them can never match the call's result.
template <class... Results>
class RulesFor : public detail::RuleList {
  struct Always {
    bool operator()(const auto&) const { return true; }
  };

 public:
  RulesFor() = default;
  explicit RulesFor(detail::RuleList rules) : RuleList(std::move(rules)) {}
  template <class... Others>
  requires(sizeof...(Results) == 0) RulesFor(const RulesFor<Others...>& typed) : RuleList(typed) {}

  template <class E, std::predicate<const E&> Matches = Always>
  [[nodiscard]] RulesFor handle_exception(Matches matches = {}) const {
    return RulesFor(with_exception_rule<E>(std::move(matches), Outcome::failure));
  }
  template <class E, std::predicate<const E&> Matches = Always>
  [[nodiscard]] RulesFor ignore_exception(Matches matches = {}) const {
    return RulesFor(with_exception_rule<E>(std::move(matches), Outcome::ignored));
  }
  template <class R, std::predicate<const R&> Matches>
  [[nodiscard]] auto handle_result(Matches matches) const {
    return RulesFor<Results..., R>(with_result_rule<R>(std::move(matches), Outcome::failure));
  }
  template <class R, std::predicate<const R&> Matches>
  [[nodiscard]] auto ignore_result(Matches matches) const {
    return RulesFor<Results..., R>(with_result_rule<R>(std::move(matches), Outcome::ignored));
  }
};

// Rules without the types of their results: chosen at run time, say, or for calls with different results. The compiler
// does not know which results they are for, so execute() does not check them.
using OutcomeRules = RulesFor<>;

}  // namespace cb
