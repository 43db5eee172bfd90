#include "simple_breaker/policies/setting.hpp"

#include <array>
#include <charconv>
#include <stdexcept>

namespace cb {

std::string to_text(double number) {
  std::array<char, 400> digits{};  // the longest double without an exponent has 309 before the point
  const auto end = std::to_chars(digits.begin(), digits.end(), number, std::chars_format::fixed).ptr;
  return {digits.begin(), end};
}

std::string out_of_range(std::string_view name, double value, double least, double most, std::string_view unit) {
  std::string fault(name);
  fault.append(" is ").append(to_text(value)).append(unit);
  fault.append("; it must be ").append(to_text(least)).append(unit);
  return fault.append(" to ").append(to_text(most)).append(unit);
}

void require_none(const std::vector<std::string>& faults) {
  std::string all;
  for (const std::string& fault : faults) all += (all.empty() ? "" : "; ") + fault;
  if (!all.empty()) throw std::invalid_argument(all);
}

}  // namespace cb
