// A Synchronizer is the background thread that keeps an instance's cached views in sync with Redis: it receives pushes,
// fetches what has changed, reports counted successes and, while Redis is unavailable, tries to reach it.
// Thread-safe: every method. Cost while idle: four commands a second (every 750 ms a new connection, which asks two
// things, and a ping on the one that listens), and a poll every five seconds.
// Limit: all breakers of an instance use Redis or their local breakers together, on a cluster too.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "redis_breaker/redis/client.hpp"
#include "redis_breaker/sync/breaker_list.hpp"
#include "redis_breaker/sync/delivery_thread.hpp"
#include "redis_breaker/sync/push_status.hpp"
#include "redis_breaker/sync/store_gate.hpp"
#include "redis_breaker/sync/subscription.hpp"

namespace cb {

class Synchronizer {
 public:
  Synchronizer(redis::Client& client, StoreGate& gate);
  ~Synchronizer();  // all breakers must have been removed
  Synchronizer(const Synchronizer&) = delete;
  Synchronizer& operator=(const Synchronizer&) = delete;

  // The breaker's name must be `base_name` or that of one of its contexts.
  void add(SynchronizedBreaker& breaker, const std::string& base_name);
  void remove(SynchronizedBreaker& breaker) { breakers_.remove(breaker); }

  // Immediately, or 100 ms after its last report.
  void report_soon(SynchronizedBreaker& breaker);

  PushStatus& push_status(size_t node);

  // Delivers notices that the thread has caused, on another one.
  void deliver(const NoticeQueue& notices) { deliveries_.add(notices); }

  // The status for a reply from there. If that is not the server that is listened to, its views are no longer fresh.
  PushStatus& push_status_of(const redis::Origin& origin);

 private:
  using SteadyClock = std::chrono::steady_clock;

  struct NodeSubscription {
    explicit NodeSubscription(PushStatus& status) : push_status(status) {}
    PushStatus& push_status;
    std::unique_ptr<Subscription> subscription;
    SteadyClock::time_point retry_at{};
    SteadyClock::time_point next_check{};
    std::optional<SteadyClock::time_point> pong_due{};
    SteadyClock::time_point pinged_at{};
    SteadyTime checked_at{};
    bool has_session = false;  // views rely on it
  };

  void work(const std::stop_token& stop);
  void look_for_redis();
  void subscribe_everywhere();
  void subscribe(size_t node, NodeSubscription& entry);
  void begin_session(NodeSubscription& entry);
  void warn_if_keys_may_be_evicted();
  void process(size_t node, NodeSubscription& entry);
  void unsubscribe(NodeSubscription& entry);
  void handle(const Announcements& announcements);
  void check(size_t node, NodeSubscription& entry);
  std::string breaker_in_another_database(redis::Connection& fresh) const;
  void ping(NodeSubscription& entry);
  void poll_some();
  void refresh(const std::vector<std::string>& names);
  void wait();
  void wake() const;
  SteadyClock::time_point next_due() const;
  Subscription::Topics topics() const;
  void spread(const std::string& name);
  void refresh_due();

  redis::Client& client_;
  const int wake_fd_;
  mutable std::mutex mutex_;
  std::vector<std::unique_ptr<PushStatus>> push_statuses_;  // guarded by mutex_; by node
  std::vector<std::string> base_names_;                     // guarded by mutex_; few
  BreakerList breakers_;
  StoreGate& gate_;

  // Used by the thread only.
  std::map<size_t, NodeSubscription> subscriptions_;  // by node
  Subscription::Topics subscribed_;
  std::map<std::string, SteadyClock::time_point> due_;  // breakers of which keys were written, and when to ask
  uint64_t sessions_ = 0;
  bool checked_eviction_ = false;
  SteadyClock::time_point look_for_redis_at_{};
  SteadyClock::time_point next_poll_{};
  std::string polled_last_;
  std::mt19937 random_{std::random_device{}()};

  DeliveryThread deliveries_;
  std::jthread thread_;
};

}  // namespace cb
