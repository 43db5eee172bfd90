#include "redis_breaker/redis/client.hpp"

#include <utility>

#include "redis_breaker/redis/routes/cluster_route.hpp"
#include "redis_breaker/redis/routes/master_route.hpp"

namespace cb::redis {
namespace {

std::unique_ptr<Route> route_to(const Address& address) {
  if (address.kind == Address::Kind::cluster) return std::make_unique<ClusterRoute>(address);
  return std::make_unique<MasterRoute>(address);
}

}  // namespace

Client::Client(Address address, std::chrono::milliseconds timeout)
    : address_(std::move(address)), round_trips_(timeout), route_(route_to(address_)) {}

Client::~Client() = default;

Reply Client::command(const std::vector<std::string>& arguments, const std::string& name) {
  const auto begun = std::chrono::steady_clock::now();
  const auto timeout = this->timeout();
  Reply reply = route_->command(arguments, name, Deadline(timeout));
  const auto took = std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - begun);
  if (reply.is_answer()) round_trips_.record(took);
  if (!reply.is_answer() && took >= timeout) round_trips_.record_timeout();
  return reply.is_answer() ? std::move(reply) : Reply::failed(to_text() + ": " + reply.error());
}

std::unique_ptr<Connection> Client::connect(size_t node) { return route_->connect(node, Deadline(timeout())); }

std::string Client::prefix(const std::string& name) const {
  return is_cluster() ? "cb:{" + name + "}:" : "cb:" + name + ":";
}

}  // namespace cb::redis
