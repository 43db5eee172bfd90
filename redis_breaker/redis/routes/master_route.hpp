// A MasterRoute leads to the one server that accepts writes: a fixed one, or the one that the Sentinels name. If it
// refuses a write, breaks a connection or cannot be reached, all idle connections are dropped.
// Thread-safe: every method. A command that a replica refused has done nothing, and is sent again, once.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "redis_breaker/redis/connection_pool.hpp"
#include "redis_breaker/redis/routes/route.hpp"
#include "redis_breaker/redis/routes/sentinels.hpp"

namespace cb::redis {

class MasterRoute final : public Route {
 public:
  explicit MasterRoute(const Address& address);

  Reply command(const std::vector<std::string>& arguments, const std::string& name, const Deadline& deadline) override;
  std::unique_ptr<Connection> connect(size_t node, const Deadline& deadline) override;
  void drop_idle(size_t node) override;

 private:
  Reply attempt(const std::vector<std::string>& arguments, const Deadline& deadline);
  std::unique_ptr<Connection> connect_to_server(const Deadline& deadline) const;

  const Address address_;
  std::unique_ptr<Sentinels> sentinels_;
  ConnectionPool pool_;
};

}  // namespace cb::redis
