// OutcomeRules says which exceptions and results of a call are failures of the upstream, which are successes, and which
// say nothing about its health: a 404 is no reason to open, and no proof of recovery either.
// A value: each rule makes a new one, and nothing changes it afterwards. Thread-safe, as far as the predicates are:
// many calls ask the same one at once.
// Errors: what a predicate throws goes to the caller in place of the call's own result or exception, and the permit
// goes back as ignored: a rule that broke has said nothing about the upstream.
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

// Rules are asked in the order in which they were declared, those for exceptions and those for results each among
// themselves; the first whose type fits and whose predicate says true decides. A predicate is anything that
// std::invoke takes: a lambda, or a member such as `&ShipmentError::retryable`. Without one the rule takes every E.
//   exceptions  a rule for E also sees what derives from E. One that no rule claims is ignored; only where no
//               handle_exception was declared is it a failure.
//   results     a rule for R sees results of exactly the type R. One that no rule claims is a success.
class OutcomeRules {
  struct Always {
    bool operator()(const auto&) const { return true; }
  };

 public:
  template <class E, std::predicate<const E&> Claims = Always>
  [[nodiscard]] OutcomeRules handle_exception(Claims claims = {}) const {
    OutcomeRules more = with_exception_rule<E>(std::move(claims), Outcome::failure);
    more.unclaimed_exception_ = Outcome::ignored;
    return more;
  }
  template <class E, std::predicate<const E&> Claims = Always>
  [[nodiscard]] OutcomeRules ignore_exception(Claims claims = {}) const {
    return with_exception_rule<E>(std::move(claims), Outcome::ignored);
  }
  template <class R, std::predicate<const R&> Claims>
  [[nodiscard]] OutcomeRules handle_result(Claims claims) const {
    return with_result_rule<R>(std::move(claims), Outcome::failure);
  }
  template <class R, std::predicate<const R&> Claims>
  [[nodiscard]] OutcomeRules ignore_result(Claims claims) const {
    return with_result_rule<R>(std::move(claims), Outcome::ignored);
  }

  Outcome of_exception(const std::exception_ptr& thrown) const {
    for (const auto& rule : exception_rules_) {
      if (const auto outcome = rule(thrown)) return *outcome;
    }
    return unclaimed_exception_;
  }

  template <class R>
  Outcome of_result(const R& result) const {
    for (const auto& rule : result_rules_) {
      if (const auto outcome = rule(typeid(R), &result)) return *outcome;
    }
    return Outcome::success;
  }

 private:
  using Claim = std::optional<Outcome>;  // nothing: the rule does not fit

  template <class E, class Claims>
  OutcomeRules with_exception_rule(Claims claims, Outcome outcome) const {
    OutcomeRules more = *this;
    more.exception_rules_.push_back([claims = std::move(claims), outcome](const std::exception_ptr& thrown) -> Claim {
      if (!thrown) return {};  // nothing of C++'s, such as the end of a cancelled thread
      try {
        std::rethrow_exception(thrown);
      } catch (const E& exception) {  // what `claims` throws passes the catch below
        return std::invoke(claims, exception) ? Claim(outcome) : std::nullopt;
      } catch (...) {
        return {};
      }
    });
    return more;
  }

  template <class R, class Claims>
  OutcomeRules with_result_rule(Claims claims, Outcome outcome) const {
    OutcomeRules more = *this;
    more.result_rules_.push_back([claims = std::move(claims), outcome](const std::type_info& type, const void* result) {
      const bool fits = type == typeid(R) && std::invoke(claims, *static_cast<const R*>(result));
      return fits ? Claim(outcome) : std::nullopt;
    });
    return more;
  }

  std::vector<std::function<Claim(const std::exception_ptr&)>> exception_rules_;
  std::vector<std::function<Claim(const std::type_info&, const void*)>> result_rules_;
  Outcome unclaimed_exception_ = Outcome::failure;
};

}  // namespace cb
