#include "store_breaker/postgresql/session_pool.hpp"

namespace cb::postgresql {

SessionPool::Taken SessionPool::take(StoreDeadline deadline) {
  std::unique_lock lock(mutex_);
  if (!returned_.wait_until(lock, deadline, [this] { return taken_ < most_sessions; }))
    return {Lease(nullptr, {this}), {"all " + std::to_string(most_sessions) + " connections were in use"}};
  ++taken_;
  Opened opened{take_idle()};
  lock.unlock();
  if (opened.session == nullptr) opened = open(deadline);
  if (opened.session == nullptr) give_back(nullptr);
  return {Lease(opened.session.release(), {this}), std::move(opened.trouble)};
}

Opened SessionPool::open(StoreDeadline deadline) {
  const auto began = std::chrono::steady_clock::now();
  size_t first = first_host_;
  Opened opened = open_session(address_.beginning_with(first), deadline);
  const auto now = std::chrono::steady_clock::now();
  const bool was_silent = opened.session == nullptr && now >= deadline && now - began >= fair_wait;
  if (was_silent) first_host_.compare_exchange_strong(first, first + 1);  // once, if several callers waited for it
  if (opened.session != nullptr) run_ = opened.session->run;
  return opened;
}

void SessionPool::distrust() {
  std::vector<std::unique_ptr<Session>> gone;  // closed after the lock is released
  const std::scoped_lock lock(mutex_);
  distrusted_at_ = std::chrono::steady_clock::now();
  gone.swap(idle_);
}

bool SessionPool::is_fresh(const Session& session) const {
  const bool is_young = std::chrono::steady_clock::now() - session.since < longest_life_;
  return is_young && session.since > distrusted_at_ && session.connection.is_usable() && session.run == run_;
}

// Drops those that the server has closed.
std::unique_ptr<Session> SessionPool::take_idle() {
  while (!idle_.empty()) {
    std::unique_ptr<Session> last = std::move(idle_.back());
    idle_.pop_back();
    if (is_fresh(*last) && !last->connection.has_input()) return last;
  }
  return nullptr;
}

void SessionPool::give_back(std::unique_ptr<Session> session) {
  const std::scoped_lock lock(mutex_);
  --taken_;
  if (session != nullptr && is_fresh(*session)) idle_.push_back(std::move(session));
  returned_.notify_one();
}

}  // namespace cb::postgresql
