// The body of PUT /breaker/override: {"mode": "forced_open", "actor": "ann", "reason": "deploying",
// "expires_in_ms": 600000}. Mode and actor are required; without expires_in_ms the override is until further notice.
#pragma once

#include <chrono>
#include <string>
#include <variant>

#include "simple_breaker/policies/override.hpp"

namespace cb {

struct OverrideRequest {
  Override override;
  std::chrono::milliseconds lasts{0};
};

// The request, or one line that names the wrong field.
std::variant<OverrideRequest, std::string> parse_override(const std::string& body);

}  // namespace cb
