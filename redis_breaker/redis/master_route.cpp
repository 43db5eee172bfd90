#include "redis_breaker/redis/master_route.hpp"

#include <utility>

namespace cb {
namespace {

// Redis 6 quotes it in the middle of a script's error.
bool is_from_a_replica(const RedisReply& reply) {
  return reply.error().find("READONLY ") != std::string::npos || reply.error().rfind("MASTERDOWN ", 0) == 0;
}

// Why one would not want this server behind redis://; empty: one may.
std::string unsuitable(const RedisServer& server) {
  if (server.mode == RedisServer::Mode::cluster) return "is a node of a cluster; write redis+cluster://";
  if (server.mode == RedisServer::Mode::sentinel) return "is a Sentinel; write redis+sentinel://host:port/master";
  return server.is_read_only ? "is a read-only replica; give its master's address" : "";
}

}  // namespace

RedisMaster::RedisMaster(const RedisAddress& address)
    : address_(address),
      sentinels_(address.kind == RedisAddress::Kind::sentinel ? std::make_unique<RedisSentinels>(address) : nullptr) {}

RedisReply RedisMaster::command(const std::vector<std::string>& arguments, const std::string& /*name*/,
                                const Deadline& deadline) {
  RedisReply reply = attempt(arguments, deadline);
  return is_from_a_replica(reply) ? attempt(arguments, deadline) : std::move(reply);
}

RedisReply RedisMaster::attempt(const std::vector<std::string>& arguments, const Deadline& deadline) {
  if (sentinels_ && sentinels_->name_another_master(deadline)) pool_.clear();
  RedisPool::Taken taken = pool_.take();
  if (!taken.connection) taken.connection = connect(0, deadline);
  if (!taken.connection->error().empty()) return lost(*taken.connection);
  RedisReply reply = taken.connection->command(arguments, deadline);
  if (!taken.connection->error().empty()) return lost(*taken.connection);
  reply.came_from({0, taken.connection->server().run});
  if (is_from_a_replica(reply)) pool_.clear();
  pool_.keep(std::move(taken));
  return reply;
}

std::unique_ptr<RedisConnection> RedisMaster::connect(size_t /*node*/, const Deadline& deadline) {
  return sentinels_ ? sentinels_->connect_to_master(deadline) : connect_to_server(deadline);
}

std::unique_ptr<RedisConnection> RedisMaster::connect_to_server(const Deadline& deadline) const {
  auto connection = std::make_unique<RedisConnection>(address_, deadline);
  if (!connection->error().empty()) return connection;
  const std::string fault = unsuitable(connection->server());
  if (!fault.empty()) connection->fail(fault);
  return connection;
}

RedisReply RedisMaster::lost(const RedisConnection& connection) {
  if (sentinels_) pool_.clear();  // there may be another master by now
  return RedisReply::failed(connection.error());
}

}  // namespace cb
