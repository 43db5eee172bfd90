// Sentinels finds the current master through Redis Sentinels. Each new connection starts by asking them, so failovers
// are followed. They are asked in turn, the last one that answered well first; each gets only a share of the deadline,
// and so does a master that one of them names. A master that was replaced while alive accepts writes for some ten more
// seconds, until the Sentinels turn it into a replica and disconnect its clients. So once a second a Sentinel is asked
// whether the name now stands for another server. Thread-safe: every method. Errors are values: see the connection's
// error(). Source: "Guidelines for Redis clients with support for Redis Sentinel", redis.io.
#pragma once

#include <atomic>
#include <cstdint>
#include <limits>
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

  // Asks at most once a second, for all callers; without an answer it assumes no change.
  bool name_another_master(const Deadline& deadline);

 private:
  struct Named {
    std::optional<Endpoint> master;
    std::string fault;
  };
  Named ask(const Endpoint& sentinel, const Deadline& deadline) const;

  void remember(size_t sentinel, const Endpoint& master);
  bool is_time_to_ask();

  static constexpr int64_t never = std::numeric_limits<int64_t>::max();

  const Address address_;
  std::atomic<size_t> first_{0};
  std::atomic<int64_t> ask_at_{never};  // steady milliseconds
  std::mutex mutex_;
  std::optional<Endpoint> master_;  // guarded by mutex_; the master of the newest connection
};

}  // namespace cb::redis
