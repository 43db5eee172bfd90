#include "simple_breaker/around/rejected_call.hpp"

namespace cb {

std::string explain(const BreakerDescription& breaker, const Rejection& rejection) {
  std::string text = breaker.name.empty() ? "the breaker" : breaker.name;
  text.append(" is ").append(to_text(rejection.state));
  if (!breaker.cause.empty()) text.append(" (").append(breaker.cause).append(")");
  return text + ", retry in " + std::to_string(rejection.retry_after.count()) + "ms";
}

}  // namespace cb
