#include "redis_breaker/redis/connection_pool.hpp"

#include <utility>

namespace cb::redis {

// Drops connections that the server has closed, or on which it sent something unrequested.
ConnectionPool::Taken ConnectionPool::take() {
  const std::scoped_lock lock(mutex_);
  while (!idle_.empty()) {
    auto connection = std::move(idle_.back());
    idle_.pop_back();
    if (!connection->has_input()) return {std::move(connection), life_};
  }
  return {nullptr, life_};
}

void ConnectionPool::keep(Taken taken) {
  const std::scoped_lock lock(mutex_);
  if (taken.life == life_) idle_.push_back(std::move(taken.connection));
}

void ConnectionPool::clear() {
  std::vector<std::unique_ptr<Connection>> gone;  // closed after the lock is released
  const std::scoped_lock lock(mutex_);
  ++life_;
  gone.swap(idle_);
}

}  // namespace cb::redis
