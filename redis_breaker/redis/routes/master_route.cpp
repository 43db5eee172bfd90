#include "redis_breaker/redis/routes/master_route.hpp"

#include <utility>

namespace cb::redis {
namespace {

using Clock = std::chrono::steady_clock;

// Redis 6 quotes it inside a script's error.
bool is_from_a_replica(const Reply& reply) {
  return reply.error().find("READONLY ") != std::string::npos || reply.error().rfind("MASTERDOWN ", 0) == 0;
}

// Why this server cannot be used behind redis://; empty: it can.
std::string unsuitable(const ServerInfo& server) {
  if (server.mode == ServerInfo::Mode::cluster) return "is a cluster node; use redis+cluster://";
  if (server.mode == ServerInfo::Mode::sentinel) return "is a Sentinel; use redis+sentinel://host:port/master";
  return server.is_read_only ? "is a read-only replica; use its master's address" : "";
}

}  // namespace

MasterRoute::MasterRoute(const Address& address)
    : address_(address),
      sentinels_(address.kind == Address::Kind::sentinel ? std::make_unique<Sentinels>(address) : nullptr) {}

Reply MasterRoute::command(const std::vector<std::string>& arguments, const std::string& /*name*/,
                           const Deadline& deadline) {
  Reply reply = attempt(arguments, deadline);
  return is_from_a_replica(reply) ? attempt(arguments, deadline) : std::move(reply);
}

Reply MasterRoute::attempt(const std::vector<std::string>& arguments, const Deadline& deadline) {
  auto connection = pool_.take(Clock::now());
  if (!connection) connection = connect(0, deadline);
  if (!connection->error().empty()) return Reply::failed(connection->error());
  Reply reply = connection->command(arguments, deadline);
  if (!connection->error().empty() || is_from_a_replica(reply)) pool_.clear(Clock::now());
  if (!connection->error().empty()) return Reply::failed(connection->error());
  reply.came_from({0, connection->server().run}, connection->verified_at());
  pool_.keep(std::move(connection), Clock::now());
  return reply;
}

// What counts is when the search began: the Sentinels may have named the master long before it was reached.
std::unique_ptr<Connection> MasterRoute::connect(size_t /*node*/, const Deadline& deadline) {
  const SteadyTime begun = Clock::now();
  auto connection = sentinels_ ? sentinels_->connect_to_master(deadline) : connect_to_server(deadline);
  connection->verified(begun);
  connection->error().empty() ? pool_.confirm(*connection) : pool_.clear(Clock::now());
  return connection;
}

void MasterRoute::drop_idle(size_t /*node*/) { pool_.clear(Clock::now()); }

std::unique_ptr<Connection> MasterRoute::connect_to_server(const Deadline& deadline) const {
  auto connection = std::make_unique<Connection>(address_, deadline);
  if (!connection->error().empty()) return connection;
  const std::string fault = unsuitable(connection->server());
  if (!fault.empty()) connection->fail(fault);
  return connection;
}

}  // namespace cb::redis
