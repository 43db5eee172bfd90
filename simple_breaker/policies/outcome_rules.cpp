#include "simple_breaker/policies/outcome_rules.hpp"

#include <algorithm>

namespace cb::detail {
namespace {

// The exception that std::throw_with_nested() has put into this one; empty: none.
std::exception_ptr nested_in(const std::exception_ptr& thrown) {
  try {
    std::rethrow_exception(thrown);
  } catch (const std::nested_exception& outer) {
    return outer.nested_ptr();
  } catch (...) {
    return {};
  }
}

bool is_rejection(const std::exception_ptr& thrown) {
  try {
    std::rethrow_exception(thrown);
  } catch (const Rejection&) {
    return true;
  } catch (...) {
    return false;
  }
}

}  // namespace

Outcome RuleList::of_exception(const std::exception_ptr& thrown) const {
  std::vector<std::exception_ptr> chain;  // the outermost first
  for (auto each = thrown; each; each = nested_in(each)) chain.push_back(each);
  if (chain.empty() || std::any_of(chain.begin(), chain.end(), is_rejection)) return Outcome::ignored;
  for (const auto& rule : exception_rules_) {
    for (const auto& each : chain) {
      if (const Match match = rule(each)) return *match;
    }
  }
  return unmatched_exception_;
}

}  // namespace cb::detail
