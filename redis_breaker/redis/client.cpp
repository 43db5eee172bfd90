#include "redis_breaker/redis/client.hpp"

#include <stdexcept>
#include <utility>

#include "redis_breaker/redis/routes/cluster_route.hpp"
#include "redis_breaker/redis/routes/master_route.hpp"

namespace cb::redis {
namespace {

std::unique_ptr<Route> route_to(const Address& address) {
  if (address.kind == Address::Kind::cluster) return std::make_unique<ClusterRoute>(address);
  return std::make_unique<MasterRoute>(address);
}

// No braces: in a cluster they would choose the node in place of the breaker's name.
std::string valid_prefix(std::string prefix) {
  constexpr const char* allowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-./:";
  const bool fits = !prefix.empty() && prefix.size() <= 64 && prefix.back() != ':' &&
                    prefix.find_first_not_of(allowed) == std::string::npos;
  if (fits) return prefix;
  throw std::invalid_argument("redis_prefix is '" + prefix +
                              "'; it must be 1 to 64 characters of A-Z a-z 0-9 _ - . / : and not end with a colon");
}

}  // namespace

Client::Client(Address address, std::chrono::milliseconds timeout, std::string key_prefix)
    : address_(std::move(address)),
      key_prefix_(valid_prefix(std::move(key_prefix))),
      round_trips_(timeout),
      route_(route_to(address_)) {}

Client::~Client() = default;

Reply Client::command(const std::vector<std::string>& arguments, const std::string& name, const Deadline& deadline) {
  const auto begun = std::chrono::steady_clock::now();
  const auto timeout = deadline.left();
  Reply reply = route_->command(arguments, name, deadline);
  const auto took = std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - begun);
  if (reply.is_answer()) round_trips_.record(took);
  if (!reply.is_answer() && took >= timeout) round_trips_.record_timeout();
  return reply.is_answer() ? std::move(reply) : Reply::failed(to_text() + ": " + reply.error());
}

std::unique_ptr<Connection> Client::connect(size_t node) { return route_->connect(node, Deadline(timeout())); }

std::string Client::prefix(const std::string& name) const {
  return common_prefix() + (is_cluster() ? "{" + name + "}:" : name + ":");
}

std::string Client::channel(const std::string& service) const {
  const std::string news = prefix(service) + "news";
  return address_.database == 0 ? news : news + ":" + std::to_string(address_.database);
}

}  // namespace cb::redis
