// A ConnectionPool keeps idle connections to one server for reuse.
// Thread-safe: every method. A taken connection belongs to the caller until it is returned.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "redis_breaker/redis/connection.hpp"

namespace cb::redis {

class ConnectionPool {
 public:
  struct Taken {
    std::unique_ptr<Connection> connection;  // none idle: make one
    uint64_t life = 0;                       // of the pool
  };

  Taken take();
  void keep(Taken taken);
  void clear();  // connections that are taken now will not be kept either

 private:
  std::mutex mutex_;
  uint64_t life_ = 0;                              // guarded by mutex_
  std::vector<std::unique_ptr<Connection>> idle_;  // guarded by mutex_
};

}  // namespace cb::redis
