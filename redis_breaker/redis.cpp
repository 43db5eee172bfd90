#include "redis_breaker/redis.hpp"

#include <utility>

#include "redis_breaker/redis_master.hpp"

namespace cb {

Redis::Redis(RedisAddress address, std::chrono::milliseconds timeout)
    : address_(std::move(address)), timeout_(timeout), route_(std::make_unique<RedisMaster>(address_)) {}

Redis::~Redis() = default;

RedisReply Redis::command(const std::vector<std::string>& arguments, const std::string& name) {
  RedisReply reply = route_->command(arguments, name, Deadline(timeout_));
  return reply.is_answer() ? std::move(reply) : RedisReply::failed(to_text() + ": " + reply.error());
}

std::unique_ptr<RedisConnection> Redis::connect(size_t node) { return route_->connect(node, Deadline(timeout_)); }

std::string Redis::prefix(const std::string& name) const { return "cb:" + name + ":"; }

}  // namespace cb
