#include "redis_breaker/redis/address.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <regex>
#include <stdexcept>

#include "redis_breaker/redis/tls.hpp"

namespace cb::redis {
namespace {

constexpr size_t longest_url = 2048;
constexpr size_t most_hosts = 16;

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

std::invalid_argument fault(const std::string& what) { return std::invalid_argument("redis: " + what); }

int number(const std::string& text, int most, const std::string& what) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value < 0 || value > most) {
    throw fault("the " + what + " is '" + text + "'; it must be 0 to " + std::to_string(most));
  }
  return value;
}

[[noreturn]] void not_understood() {
  throw fault(
      "write redis://[[user]:password@]host:port/db, redis+sentinel://host:port,host:port/master, "
      "redis+cluster://host:port,host:port or unix:///path (rediss in place of redis: over TLS)");
}

Endpoint parse_host(const std::string& text, int port) {
  static const std::regex host_and_port(R"(([A-Za-z0-9.\-]+|\[[0-9A-Fa-f:.]+\])(?::(\d+))?)");
  std::smatch parts;
  if (!std::regex_match(text, parts, host_and_port)) not_understood();
  Endpoint endpoint{parts[1], port};
  if (endpoint.host.front() == '[') endpoint.host = endpoint.host.substr(1, endpoint.host.size() - 2);
  if (parts[2].matched) endpoint.port = number(parts[2], 65535, "port");
  return endpoint;
}

void parse_hosts(const std::string& text, Address& address) {
  const int port = address.kind == Address::Kind::sentinel ? 26379 : 6379;
  for (size_t start = 0; start <= text.size();) {
    const size_t end = std::min(text.find(',', start), text.size());
    address.hosts.push_back(parse_host(text.substr(start, end - start), port));
    start = end + 1;
  }
  if (address.hosts.size() > most_hosts) throw fault("name at most " + std::to_string(most_hosts) + " hosts");
  if (address.kind != Address::Kind::server) return;
  if (address.hosts.size() > 1) throw fault("several hosts require redis+sentinel:// or redis+cluster://");
  address.host = address.hosts[0].host;
  address.port = address.hosts[0].port;
  address.hosts.clear();
}

void parse_login(const std::string& user, const std::string& password, Address& address) {
  const auto plain_user = percent_decoded(user);
  const auto plain_password = percent_decoded(password);
  if (!plain_user || !plain_password) throw fault("the user or password contains a % that does not start a %-code");
  address.user = *plain_user;
  address.password = *plain_password;
}

// The part after the hosts: for Sentinels the master's name comes first.
void parse_path(std::string path, Address& address) {
  if (address.kind == Address::Kind::sentinel) {
    static const std::regex name_and_rest(R"(([A-Za-z0-9._\-]+)(?:/(\d*))?)");
    std::smatch parts;
    if (!std::regex_match(path, parts, name_and_rest)) {
      throw fault("redis+sentinel:// must end with the name that the Sentinels use for the master: host:port/mymaster");
    }
    address.master = parts[1];
    path = parts[2];
  }
  if (path.empty()) return;
  if (address.kind == Address::Kind::cluster) throw fault("a cluster has no databases; leave out the part after /");
  if (path.find_first_not_of("0123456789") != std::string::npos) not_understood();
  address.database = number(path, 1'000'000, "database");
}

}  // namespace

Address parse_url(const std::string& url) {
  static const std::regex unix_socket(R"(unix://(/[^\0]{1,106}))");
  static const std::regex tcp(R"(redis(s?)(\+sentinel|\+cluster)?://(?:([^:@/]*):([^@/]*)@)?([^@/]+)(?:/([^@]*))?)");
  Address address;
  std::smatch parts;
  if (url.size() > longest_url) not_understood();
  if (std::regex_match(url, parts, unix_socket)) {
    address.socket = parts[1];
    return address;
  }
  if (!std::regex_match(url, parts, tcp)) not_understood();
  if (parts[2] == "+sentinel") address.kind = Address::Kind::sentinel;
  if (parts[2] == "+cluster") address.kind = Address::Kind::cluster;
  parse_login(parts[3], parts[4], address);
  parse_hosts(parts[5], address);
  parse_path(parts[6], address);
  if (parts[1] == "s") address.tls = std::make_shared<TlsClient>();
  return address;
}

std::optional<Endpoint> endpoint_of(const std::string& host, const std::string& port) {
  static const std::string allowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_:";
  const bool is_host = !host.empty() && host.size() <= 255 && host.find_first_not_of(allowed) == std::string::npos;
  Endpoint endpoint{host, 0};
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), endpoint.port);
  const bool is_port = error == std::errc{} && end == port.data() + port.size();
  if (!is_host || !is_port || endpoint.port < 1 || endpoint.port > 65535) return std::nullopt;
  return endpoint;
}

std::string Endpoint::to_text() const {
  const bool is_ipv6 = host.find(':') != std::string::npos;
  return (is_ipv6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

Address Address::at(const Endpoint& endpoint) const {
  Address server = *this;
  server.kind = Kind::server;
  server.host = endpoint.host;
  server.port = endpoint.port;
  server.hosts.clear();
  server.master.clear();
  return server;
}

std::string Address::to_text() const {
  if (!socket.empty()) return "unix://" + socket;
  const std::string scheme = tls ? "rediss" : "redis";
  const std::string login = password.empty() ? "" : user + ":***@";
  const std::string database_part = "/" + std::to_string(database);
  std::string all;
  for (const Endpoint& one : hosts) all += (all.empty() ? "" : ",") + one.to_text();
  switch (kind) {
    case Kind::sentinel:
      return scheme + "+sentinel://" + login + all + "/" + master + database_part;
    case Kind::cluster:
      return scheme + "+cluster://" + login + all;
    default:
      return scheme + "://" + login + Endpoint{host, port}.to_text() + database_part;
  }
}

}  // namespace cb::redis
