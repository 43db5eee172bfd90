#include "simple_breaker/policies/identity.hpp"

#include <algorithm>
#include <cctype>
#include <stdexcept>

namespace cb {
namespace {

constexpr size_t longest_name = 256;
constexpr size_t longest_context = 128;

// 1 to `longest` letters, digits and `others`.
bool is_plain(std::string_view text, size_t longest, std::string_view others) {
  const auto plain = [&](unsigned char letter) {
    return std::isalnum(letter) != 0 || others.find(static_cast<char>(letter)) != std::string_view::npos;
  };
  return !text.empty() && text.size() <= longest && std::all_of(text.begin(), text.end(), plain);
}

}  // namespace

bool is_valid_name(std::string_view name) { return is_plain(name, longest_name, "_-./"); }
bool is_valid_context(std::string_view context) { return is_plain(context, longest_context, "_-./:[]"); }

void require_valid_name(const std::string& name) {
  if (is_valid_name(name)) return;
  throw std::invalid_argument("breaker name is '" + name.substr(0, longest_name) +
                              "'; use 1 to 256 of A-Z a-z 0-9 _ - . /");
}

void require_valid(const Identity& identity) {
  require_valid_name(identity.name);
  if (identity.context.empty() || is_valid_context(identity.context)) return;
  throw std::invalid_argument("breaker context is '" + identity.context.substr(0, longest_context) +
                              "'; use 1 to 128 of A-Z a-z 0-9 _ - . / : [ ]");
}

}  // namespace cb
