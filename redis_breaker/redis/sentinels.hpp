// Sentinels find the master of a Redis that is watched by Sentinels: each connection begins with the question who
// it is, so that a failover is followed. They are asked in turn, the one whose word was good last time first; each has
// a share of the deadline only, as has the master that one of them names.
// A master that was replaced while it was alive goes on taking writes for some ten seconds, until the Sentinels make it
// a replica and cut its clients off. So one is asked every second whether the name stands for somebody else by now.
// Thread-safe: every method. Errors are values: see the connection's error().
// Source: "Guidelines for Redis clients with support for Redis Sentinel", redis.io.
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

  // Asks once a second, for all callers; where there is no answer, nothing is known to have changed.
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
  std::optional<Endpoint> master_;  // guarded by mutex_; that of the newest connection
};

}  // namespace cb::redis
