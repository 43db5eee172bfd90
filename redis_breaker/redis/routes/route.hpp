// A Route finds the server for a command: the only one, the one that Sentinels name, or a node of a cluster.
// Thread-safe: every method. Errors are values and do not name the Redis: Client adds that.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "redis_breaker/redis/connection.hpp"

namespace cb::redis {

class Route {
 public:
  Route() = default;
  virtual ~Route() = default;
  Route(const Route&) = delete;
  Route& operator=(const Route&) = delete;

  virtual Reply command(const std::vector<std::string>& arguments, const std::string& name,
                        const Deadline& deadline) = 0;

  // A new connection, which shows where the address leads now: idle connections to another server are closed.
  virtual std::unique_ptr<Connection> connect(size_t node, const Deadline& deadline) = 0;

  virtual void drop_idle(size_t node) = 0;
};

}  // namespace cb::redis
