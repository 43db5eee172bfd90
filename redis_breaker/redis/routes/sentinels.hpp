// Sentinels finds the current master through Redis Sentinels. Each new connection starts by asking them, so failovers
// are followed. They are asked in turn, the last one that answered well first; each gets only a share of the deadline,
// and so does a master that one of them names. Without Sentinels there is no failover: if none answers, the last master
// that they named is used, as long as it is one. Thread-safe: every method. Errors are values: see the connection's
// error(). Source: "Guidelines for Redis clients with support for Redis Sentinel", redis.io.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "redis_breaker/redis/connection.hpp"

namespace cb::redis {

class Sentinels {
 public:
  explicit Sentinels(Address address) : address_(std::move(address)) {}

  std::unique_ptr<Connection> connect_to_master(const Deadline& deadline);

 private:
  struct Named {
    std::optional<Endpoint> master;
    std::string fault;
    bool is_answer = true;
  };
  Named ask(const Endpoint& sentinel, const Deadline& deadline) const;

  std::unique_ptr<Connection> connect_to(const Endpoint& master, const Deadline& deadline) const;
  void remember(size_t sentinel, const Endpoint& master);
  std::optional<Endpoint> last_named() const;

  const Address address_;
  std::atomic<size_t> first_{0};
  mutable std::mutex mutex_;
  std::optional<Endpoint> master_;  // guarded by mutex_; the master of the newest connection
};

}  // namespace cb::redis
