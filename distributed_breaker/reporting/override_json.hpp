// The body of PUT /breaker/override: {"mode": "forced_open", "actor": "ann", "reason": "deploying",
// "expires_in_ms": 600000}. Mode and actor are required; without expires_in_ms it is until further notice.
#pragma once

#include <chrono>
#include <string>
#include <variant>

#include "simple_breaker/policies/override.hpp"

namespace cb {

struct Order {
  Override override;
  std::chrono::milliseconds lasts{0};
};

// The order, or which field is wrong, as one line.
std::variant<Order, std::string> read_order(const std::string& body);

}  // namespace cb
