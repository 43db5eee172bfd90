// A Synchronizer is the background thread that keeps an instance's cached views in sync with the store: it takes what
// the store's feeds announce, or polls a store without one; it fetches what has changed, reports counted successes and,
// while the store is unavailable, tries to reach it.
// Thread-safe: every method. Cost while idle: a check of each feed every 750 ms (on Redis four commands a second), and
// the store's polls.
// Limit: all breakers of an instance use the store or their local breakers together, also if it has several nodes.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "redis_breaker/state_store.hpp"
#include "redis_breaker/sync/breaker_list.hpp"
#include "redis_breaker/sync/delivery_thread.hpp"
#include "redis_breaker/sync/push_status.hpp"
#include "redis_breaker/sync/store_gate.hpp"

namespace cb {

class Synchronizer {
 public:
  Synchronizer(StateStore& store, StoreGate& gate);
  ~Synchronizer();  // all breakers must have been removed
  Synchronizer(const Synchronizer&) = delete;
  Synchronizer& operator=(const Synchronizer&) = delete;

  // The breaker's name must be `service` or that of one of its contexts.
  void add(SynchronizedBreaker& breaker, const std::string& service);
  void remove(SynchronizedBreaker& breaker) { breakers_.remove(breaker); }

  // Immediately, or 100 ms after its last report.
  void report_soon(SynchronizedBreaker& breaker);

  PushStatus& push_status(size_t node);

  // Delivers notices that the thread has caused, on another one.
  void deliver(const NoticeQueue& notices) { deliveries_.add(notices); }

  // The status for a reply from there. If that is not the server that the feed announces, its views are no longer
  // fresh.
  PushStatus& push_status_of(const Origin& origin);

 private:
  using SteadyClock = std::chrono::steady_clock;

  struct WatchedNode {
    explicit WatchedNode(PushStatus& status) : push_status(status) {}
    PushStatus& push_status;
    bool is_watched = false;
    std::unique_ptr<ChangeFeed> feed;  // nothing: polled, while is_watched
    SteadyClock::time_point retry_at{};
    std::chrono::milliseconds pause{0};  // before that retry
    std::string refusal{};               // reported last
    SteadyClock::time_point next_check{};
    bool is_confirming = false;  // since the last check
    bool has_session = false;    // views rely on it
  };

  void work(const std::stop_token& stop);
  void look_for_store();
  void watch_everywhere();
  void watch(size_t node, WatchedNode& entry);
  static void postpone(WatchedNode& entry, bool refused);
  void begin_session(WatchedNode& entry);
  void process(WatchedNode& entry);
  void stop_watching(WatchedNode& entry);
  void check(WatchedNode& entry);
  void handle(const Changes& changes);
  void spread(const std::string& name);
  void refresh_due();
  void poll_some();
  void confirm_polled();
  void refresh(const std::vector<std::string>& names);
  void wait();
  void wake() const;
  SteadyClock::time_point next_due() const;
  std::chrono::milliseconds between(std::chrono::milliseconds shortest, std::chrono::milliseconds longest);

  StateStore& store_;
  const int wake_fd_;
  mutable std::mutex mutex_;
  std::vector<std::unique_ptr<PushStatus>> push_statuses_;  // guarded by mutex_; by node
  std::vector<std::string> services_;                       // guarded by mutex_; few
  BreakerList breakers_;
  StoreGate& gate_;

  // Used by the thread only.
  std::map<size_t, WatchedNode> watched_nodes_;
  std::vector<std::string> watched_services_;
  std::map<std::string, SteadyClock::time_point> due_;  // breakers of which keys were written, and when to ask
  uint64_t sessions_ = 0;
  SteadyClock::time_point look_for_store_at_{};
  SteadyClock::time_point next_poll_{};
  std::string polled_last_;  // in this round through all breakers; empty: a round begins
  SteadyTime round_begun_at_{};
  std::mt19937 random_{std::random_device{}()};

  DeliveryThread deliveries_;
  std::jthread thread_;
};

}  // namespace cb
