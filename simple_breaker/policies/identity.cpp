#include "simple_breaker/policies/identity.hpp"

#include <algorithm>
#include <cctype>
#include <stdexcept>

namespace cb {

bool is_valid_name(std::string_view name) {
  constexpr std::string_view others = "_-./";
  const auto plain = [&](unsigned char letter) {
    return std::isalnum(letter) != 0 || others.find(static_cast<char>(letter)) != std::string_view::npos;
  };
  return !name.empty() && name.size() <= 256 && std::all_of(name.begin(), name.end(), plain);
}

void require_valid_name(const std::string& name) {
  if (is_valid_name(name)) return;
  throw std::invalid_argument("breaker name is '" + name.substr(0, 256) + "'; use 1 to 256 of A-Z a-z 0-9 _ - . /");
}

}  // namespace cb
