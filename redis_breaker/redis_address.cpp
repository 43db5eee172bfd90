#include "redis_breaker/redis_address.hpp"

#include <charconv>
#include <optional>
#include <regex>
#include <stdexcept>

namespace cb {
namespace {

constexpr size_t longest_url = 1024;

std::optional<std::string> percent_decoded(const std::string& text) {
  std::string decoded;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded += text[i];
      continue;
    }
    unsigned code = 0;
    const std::string digits = text.substr(i + 1, 2);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), code, 16);
    if (error != std::errc{} || digits.size() != 2 || end != digits.data() + 2) return std::nullopt;
    decoded += static_cast<char>(code);
    i += 2;
  }
  return decoded;
}

int number(const std::string& text, int most, const std::string& what) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value < 0 || value > most) {
    throw std::invalid_argument("redis: the " + what + " is '" + text + "'; it must be 0 to " + std::to_string(most));
  }
  return value;
}

}  // namespace

RedisAddress parse_redis_url(const std::string& url) {
  static const std::regex unix_socket(R"(unix://(/[^\0]{1,106}))");
  static const std::regex tcp(
      R"(redis://(?:([^:@/]*):([^@/]*)@)?([A-Za-z0-9.\-]+|\[[0-9A-Fa-f:.]+\])(?::(\d+))?(?:/(\d*))?)");
  RedisAddress address;
  std::smatch parts;
  if (url.size() <= longest_url && std::regex_match(url, parts, unix_socket)) {
    address.socket = parts[1];
    return address;
  }
  if (url.size() > longest_url || !std::regex_match(url, parts, tcp)) {
    throw std::invalid_argument("redis: write redis://[[user]:password@]host:port/db or unix:///path");
  }
  const auto user = percent_decoded(parts[1]);
  const auto password = percent_decoded(parts[2]);
  if (!user || !password) throw std::invalid_argument("redis: the user or password holds a % that is no %-code");
  address.user = *user;
  address.password = *password;
  address.host = parts[3];
  if (address.host.front() == '[') address.host = address.host.substr(1, address.host.size() - 2);
  if (parts[4].matched) address.port = number(parts[4], 65535, "port");
  if (parts[5].length() > 0) address.database = number(parts[5], 1'000'000, "database");
  return address;
}

std::string RedisAddress::to_text() const {
  if (!socket.empty()) return "unix://" + socket;
  const std::string login = password.empty() ? "" : user + ":***@";
  return "redis://" + login + host + ":" + std::to_string(port) + "/" + std::to_string(database);
}

}  // namespace cb
