#include "redis_breaker/redis.hpp"

#include <utility>

namespace cb {

Redis::Redis(RedisAddress address, std::chrono::milliseconds timeout)
    : address_(std::move(address)), timeout_(timeout) {}

Redis::~Redis() = default;

RedisReply Redis::command(const std::vector<std::string>& arguments, const std::string& /*name*/) {
  const Deadline deadline(timeout_);
  auto connection = take_idle();
  if (!connection) connection = std::make_unique<RedisConnection>(address_, deadline);
  if (!connection->error().empty()) return failed(*connection);
  RedisReply reply = connection->command(arguments, deadline);
  if (!connection->error().empty()) return failed(*connection);
  reply.came_from({0, connection->run()});
  keep(std::move(connection));
  return reply;
}

std::unique_ptr<RedisConnection> Redis::connect(size_t /*node*/) {
  return std::make_unique<RedisConnection>(address_, Deadline(timeout_));
}

std::string Redis::prefix(const std::string& name) const { return "cb:" + name + ":"; }

RedisReply Redis::failed(const RedisConnection& connection) const {
  return RedisReply::failed(address_.to_text() + ": " + connection.error());
}

// One that the server has closed, or on which it said something that nobody asked for, is thrown away.
std::unique_ptr<RedisConnection> Redis::take_idle() {
  const std::scoped_lock lock(mutex_);
  while (!idle_.empty()) {
    auto connection = std::move(idle_.back());
    idle_.pop_back();
    if (!connection->has_input()) return connection;
  }
  return nullptr;
}

void Redis::keep(std::unique_ptr<RedisConnection> connection) {
  const std::scoped_lock lock(mutex_);
  idle_.push_back(std::move(connection));
}

}  // namespace cb
