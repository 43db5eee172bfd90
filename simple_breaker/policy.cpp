#include "simple_breaker/policy.hpp"

#include <stdexcept>
#include <string_view>

namespace cb {
namespace {

constexpr int64_t most_calls = 1'000'000;
constexpr std::chrono::milliseconds longest_timeout = std::chrono::hours(24 * 365);

}  // namespace

std::vector<std::string> validate(const Policy& policy) {
  std::vector<std::string> faults;
  const auto check = [&faults](std::string_view setting, int64_t value, int64_t most, const std::string& unit) {
    if (value >= 1 && value <= most) return;
    faults.push_back(std::string(setting) + " is " + std::to_string(value) + unit + "; it must be 1" + unit + " to " +
                     std::to_string(most) + unit);
  };
  check("failure_threshold", policy.failure_threshold, most_calls, "");
  check("recovery_timeout", policy.recovery_timeout.count(), longest_timeout.count(), "ms");
  check("permitted_calls_in_half_open", policy.permitted_calls_in_half_open, most_calls, "");
  check("success_threshold", policy.success_threshold, most_calls, "");
  check("probe_timeout", policy.probe_timeout.count(), longest_timeout.count(), "ms");
  return faults;
}

void require_valid(const Policy& policy) {
  std::string all;
  for (const auto& fault : validate(policy)) all += (all.empty() ? "" : "; ") + fault;
  if (!all.empty()) throw std::invalid_argument(all);
}

}  // namespace cb
