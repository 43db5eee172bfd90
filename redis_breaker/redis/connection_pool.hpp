// A ConnectionPool keeps idle connections to one server for reuse. One is reused only if its address was seen to lead
// to that server within the last second: by connecting it, or by another new connection (confirm()). Thread-safe: every
// method. A taken connection belongs to the caller until it is returned. Invariants: all idle connections lead to the
// same run; after clear(), none from before it is reused, whether it was idle or taken: what is wrong with one
// connection is wrong with the others of its age.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "redis_breaker/redis/connection.hpp"

namespace cb::redis {

class ConnectionPool {
 public:
  static constexpr std::chrono::seconds longest_unverified{1};
  static constexpr std::chrono::seconds longest_idle{10};  // before a firewall drops it without a word

  std::unique_ptr<Connection> take(SteadyTime now);  // nullptr: none is idle, connect one
  void keep(std::unique_ptr<Connection> connection, SteadyTime now);
  void clear(SteadyTime now);

  // A new connection shows where the address leads: idle connections to the same run are good for another second, the
  // others are closed.
  void confirm(const Connection& fresh);

 private:
  struct Idle {
    std::unique_ptr<Connection> connection;
    SteadyTime since;
  };

  std::mutex mutex_;
  uint64_t run_ = 0;          // guarded by mutex_, as is all below; the server that the address leads to
  SteadyTime verified_at_{};  // when it was last seen to
  SteadyTime cleared_at_{};
  std::vector<Idle> idle_;  // the one that has been idle for longest first
};

}  // namespace cb::redis
