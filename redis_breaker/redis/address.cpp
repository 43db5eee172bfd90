#include "redis_breaker/redis/address.hpp"

#include <algorithm>
#include <array>
#include <stdexcept>
#include <string_view>

#include "redis_breaker/redis/tls.hpp"

namespace cb::redis {
namespace {

constexpr size_t most_hosts = 16;
constexpr int highest_database = 1'000'000;

struct Scheme {
  std::string_view name;
  Address::Kind kind;
  int port;  // where the URL has none
};

constexpr std::array<Scheme, 3> schemes{{{"redis", Address::Kind::server, 6379},
                                         {"redis+sentinel", Address::Kind::sentinel, 26379},
                                         {"redis+cluster", Address::Kind::cluster, 6379}}};

[[noreturn]] void refuse(const std::string& why) { throw std::invalid_argument(why); }

const Scheme& find_scheme(const std::string& name) {
  const auto found =
      std::find_if(schemes.begin(), schemes.end(), [&name](const Scheme& scheme) { return scheme.name == name; });
  if (found != schemes.end()) return *found;
  refuse(
      "the scheme " + name +
      ":// is none of redis://, redis+sentinel://, redis+cluster:// (rediss in place of redis: over TLS) and unix://");
}

void set_hosts(std::vector<Endpoint> hosts, const Scheme& scheme, Address& address) {
  if (hosts.size() > most_hosts) refuse("name at most " + std::to_string(most_hosts) + " hosts");
  for (Endpoint& host : hosts) host.port = host.port == 0 ? scheme.port : host.port;
  if (address.kind != Address::Kind::server) {
    address.hosts = std::move(hosts);
    return;
  }
  if (hosts.size() > 1) refuse("several hosts require redis+sentinel:// or redis+cluster://");
  address.host = hosts[0].host;
  address.port = hosts[0].port;
}

// Takes the name, which comes first in a Sentinel URL's path.
std::string take_master(std::string& path) {
  constexpr std::string_view allowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
  const std::string name = path.substr(0, path.find('/', 1));
  path.erase(0, name.size());
  if (name.size() > 1 && name.find_first_not_of(allowed, 1) == std::string::npos) return name.substr(1);
  refuse("redis+sentinel:// must end with the name that the Sentinels use for the master: host:port/mymaster");
}

int database_in(const std::string& path) {
  if (path.size() <= 1) return 0;
  return net::parse_number(std::string_view(path).substr(1), "database", 0, highest_database);
}

bool take_tls(std::string& scheme) {
  const bool over_tls = scheme.rfind("rediss", 0) == 0;
  if (over_tls) scheme.erase(5, 1);
  return over_tls;
}

Address address_of(net::Url url) {
  Address address;
  if (url.scheme == "unix") {
    address.socket = url.path;
    return address;
  }
  const Scheme& scheme = find_scheme(url.scheme);
  address.kind = scheme.kind;
  address.user = url.user;
  address.password = url.password;
  set_hosts(std::move(url.hosts), scheme, address);
  if (address.kind == Address::Kind::sentinel) address.master = take_master(url.path);
  const bool is_cluster = address.kind == Address::Kind::cluster;
  if (is_cluster && url.path.size() > 1) refuse("a cluster has no databases; leave out the part after /");
  address.database = database_in(url.path);
  return address;
}

}  // namespace

Address parse_url(const std::string& text) {
  Address address;
  bool over_tls = false;
  try {
    net::Url url = net::parse_url(text);
    over_tls = take_tls(url.scheme);
    address = address_of(std::move(url));
  } catch (const std::invalid_argument& error) {
    throw std::invalid_argument(std::string("redis: ") + error.what());
  }
  if (over_tls) address.tls = std::make_shared<TlsClient>();
  return address;
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
  const std::string login = password.empty() ? "" : net::percent_encoded(user) + ":***@";
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
