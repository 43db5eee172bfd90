#include "redis_breaker/redis/client.hpp"

#include <utility>

#include "redis_breaker/redis/cluster_route.hpp"
#include "redis_breaker/redis/master_route.hpp"

namespace cb {
namespace {

std::unique_ptr<RedisRoute> route_to(const RedisAddress& address) {
  if (address.kind == RedisAddress::Kind::cluster) return std::make_unique<RedisCluster>(address);
  return std::make_unique<RedisMaster>(address);
}

}  // namespace

Redis::Redis(RedisAddress address, std::chrono::milliseconds timeout)
    : address_(std::move(address)), timeout_(timeout), route_(route_to(address_)) {}

Redis::~Redis() = default;

RedisReply Redis::command(const std::vector<std::string>& arguments, const std::string& name) {
  RedisReply reply = route_->command(arguments, name, Deadline(timeout_));
  return reply.is_answer() ? std::move(reply) : RedisReply::failed(to_text() + ": " + reply.error());
}

std::unique_ptr<RedisConnection> Redis::connect(size_t node) { return route_->connect(node, Deadline(timeout_)); }

std::string Redis::prefix(const std::string& name) const {
  return address_.kind == RedisAddress::Kind::cluster ? "cb:{" + name + "}:" : "cb:" + name + ":";
}

}  // namespace cb
