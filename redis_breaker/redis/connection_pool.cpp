#include "redis_breaker/redis/connection_pool.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace cb::redis {

// Drops connections that the server has closed, or on which it sent something unrequested.
std::unique_ptr<Connection> ConnectionPool::take(SteadyTime now) {
  const std::scoped_lock lock(mutex_);
  while (!idle_.empty()) {
    Idle last = std::move(idle_.back());
    idle_.pop_back();
    last.connection->verified(std::max(last.connection->verified_at(), verified_at_));
    const bool is_old = now - last.since > longest_idle || now - last.connection->verified_at() > longest_unverified;
    if (!is_old && !last.connection->has_input()) return std::move(last.connection);
  }
  return nullptr;
}

void ConnectionPool::keep(std::unique_ptr<Connection> connection, SteadyTime now) {
  const std::scoped_lock lock(mutex_);
  const bool is_outdated = connection->verified_at() <= cleared_at_ || connection->server().run != run_;
  if (!is_outdated) idle_.push_back({std::move(connection), now});
}

void ConnectionPool::clear(SteadyTime now) {
  std::vector<Idle> gone;  // closed after the lock is released
  const std::scoped_lock lock(mutex_);
  cleared_at_ = now;
  gone.swap(idle_);
}

void ConnectionPool::confirm(const Connection& fresh) {
  std::vector<Idle> gone;  // closed after the lock is released
  const std::scoped_lock lock(mutex_);
  if (fresh.verified_at() < verified_at_) return;  // a newer one has shown where it leads now
  verified_at_ = fresh.verified_at();
  const bool same_run = fresh.server().run == std::exchange(run_, fresh.server().run);
  const auto is_fine = [&](const Idle& idle) { return same_run && verified_at_ - idle.since <= longest_idle; };
  const auto first_fine = std::find_if(idle_.begin(), idle_.end(), is_fine);
  gone.assign(std::move_iterator(idle_.begin()), std::move_iterator(first_fine));
  idle_.erase(idle_.begin(), first_fine);
}

}  // namespace cb::redis
