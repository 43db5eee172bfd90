// A Link is an instance's tie to Redis: one thread that keeps what the breakers know fresh. It listens to what Redis
// pushes, fetches what has changed, reports what the breakers have counted, and, while Redis is away, looks for it.
// Thread-safe: every method. Cost while nothing happens: four pings a second, and a look every five seconds.
// Limit: all breakers of an instance are joined or alone together, on a Cluster too.
#pragma once

#include <atomic>
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
#include "redis_breaker/sync/push_status.hpp"
#include "redis_breaker/sync/redis_availability.hpp"
#include "redis_breaker/sync/subscription.hpp"

namespace cb {

class Link {
 public:
  Link(redis::Client& client, Listener listener);
  ~Link();  // all members have left
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  // A member's name is `base_name`, or base_name/CONTEXT.
  void add(LinkMember& member, const std::string& base_name);
  void remove(LinkMember& member) { roster_.remove(member); }

  RedisGuard& guard() { return guard_; }
  const RedisGuard& guard() const { return guard_; }

  // At once, or 100 ms after the last report.
  void report_soon(LinkMember& member);

  PushFeed& feed(size_t node);

 private:
  using SteadyClock = std::chrono::steady_clock;

  struct Listening {
    explicit Listening(PushFeed& told) : feed(told) {}
    PushFeed& feed;
    std::unique_ptr<Subscription> subscription;
    SteadyClock::time_point retry_at{};
    SteadyClock::time_point next_ping{};
    std::optional<SteadyClock::time_point> pong_due{};
    int64_t pinged_at = 0;  // coarse
  };

  void work(const std::stop_token& stop);
  void look_for_redis();
  void listen_everywhere();
  void listen_to(size_t node, Listening& listening);
  void serve(Listening& listening);
  void stop_listening(Listening& listening);
  void follow(const Heard& heard);
  void ping(Listening& listening);
  void poll_slowly();
  void refresh(const std::vector<std::string>& names);
  void wait();
  void wake() const;
  SteadyClock::time_point next_due() const;
  std::vector<std::string> prefixes() const;

  redis::Client& client_;
  const int wake_fd_;
  mutable std::mutex mutex_;
  std::vector<std::unique_ptr<PushFeed>> feeds_;  // guarded by mutex_; by node
  std::vector<std::string> base_names_;           // guarded by mutex_; few
  Roster roster_;
  RedisGuard guard_;

  // The thread's own.
  std::map<size_t, Listening> listening_;  // by node
  std::vector<std::string> listens_for_;   // prefixes
  uint64_t sessions_ = 0;
  SteadyClock::time_point look_for_redis_at_{};
  SteadyClock::time_point next_poll_{};
  std::string polled_last_;
  std::mt19937 dice_{std::random_device{}()};

  std::jthread thread_;
};

}  // namespace cb
