// OutcomeRules decides which exceptions and results of a call are failures of the upstream, which are successes, and
// which are no evidence of its health: a 404 neither justifies opening nor proves recovery.
// An immutable value: adding a rule returns a new one. Thread-safe if the predicates are: many calls use one at once.
// Errors: the caller gets what a predicate throws, in place of the call's result or exception, and the permit is
// settled as ignored: a rule that throws is no evidence either way.
#pragma once

#include <concepts>
#include <exception>
#include <functional>
#include <optional>
#include <typeinfo>
#include <utility>
#include <vector>

#include "simple_breaker/breaker.hpp"

namespace cb {

// The first rule that matches decides, in the order of declaration; exceptions and results have separate lists. A rule
// matches if the type does and its predicate returns true. A predicate is anything that std::invoke takes: a lambda, or
// a member such as `&ShipmentError::retryable`. Without one the rule matches every E.
//   exceptions  a rule for E also matches types derived from E. An exception that no rule matches is ignored; without
//               any handle_exception it is a failure.
//   results     a rule for R matches results of exactly the type R. A result that no rule matches is a success.
class OutcomeRules {
  struct Always {
    bool operator()(const auto&) const { return true; }
  };

 public:
  template <class E, std::predicate<const E&> Matches = Always>
  [[nodiscard]] OutcomeRules handle_exception(Matches matches = {}) const {
    OutcomeRules more = with_exception_rule<E>(std::move(matches), Outcome::failure);
    more.unmatched_exception_ = Outcome::ignored;
    return more;
  }
  template <class E, std::predicate<const E&> Matches = Always>
  [[nodiscard]] OutcomeRules ignore_exception(Matches matches = {}) const {
    return with_exception_rule<E>(std::move(matches), Outcome::ignored);
  }
  template <class R, std::predicate<const R&> Matches>
  [[nodiscard]] OutcomeRules handle_result(Matches matches) const {
    return with_result_rule<R>(std::move(matches), Outcome::failure);
  }
  template <class R, std::predicate<const R&> Matches>
  [[nodiscard]] OutcomeRules ignore_result(Matches matches) const {
    return with_result_rule<R>(std::move(matches), Outcome::ignored);
  }

  Outcome of_exception(const std::exception_ptr& thrown) const {
    for (const auto& rule : exception_rules_) {
      if (const auto outcome = rule(thrown)) return *outcome;
    }
    return unmatched_exception_;
  }

  template <class R>
  Outcome of_result(const R& result) const {
    for (const auto& rule : result_rules_) {
      if (const auto outcome = rule(typeid(R), &result)) return *outcome;
    }
    return Outcome::success;
  }

 private:
  using Match = std::optional<Outcome>;  // nothing: the rule does not match

  template <class E, class Matches>
  OutcomeRules with_exception_rule(Matches matches, Outcome outcome) const {
    OutcomeRules more = *this;
    more.exception_rules_.push_back([matches = std::move(matches), outcome](const std::exception_ptr& thrown) -> Match {
      if (!thrown) return {};  // not a C++ exception: the end of a cancelled thread, for example
      try {
        std::rethrow_exception(thrown);
      } catch (const E& exception) {  // the catch below does not see what `matches` throws
        return std::invoke(matches, exception) ? Match(outcome) : std::nullopt;
      } catch (...) {
        return {};
      }
    });
    return more;
  }

  template <class R, class Matches>
  OutcomeRules with_result_rule(Matches matches, Outcome outcome) const {
    OutcomeRules more = *this;
    more.result_rules_.push_back(
        [matches = std::move(matches), outcome](const std::type_info& type, const void* result) {
          const bool fits = type == typeid(R) && std::invoke(matches, *static_cast<const R*>(result));
          return fits ? Match(outcome) : std::nullopt;
        });
    return more;
  }

  std::vector<std::function<Match(const std::exception_ptr&)>> exception_rules_;
  std::vector<std::function<Match(const std::type_info&, const void*)>> result_rules_;
  Outcome unmatched_exception_ = Outcome::failure;
};

}  // namespace cb
