// A HealthChecker polls the upstream's health route while any breaker is open, and reports the answer to each open one.
// A circuit becomes half-open as soon as the upstream is up, and stays open while it is down; no user's call is needed.
// It asks one interval after a breaker opened at the earliest, and at most once per interval: a health route that says
// "up" for a failing service can shorten a break only to one interval. While no breaker is open, its thread sleeps.
// Thread-safe: on_notice() and watch(). Create it before the registry, whose breakers' listener calls on_notice(), and
// its thread after the registry: they are then destroyed in the right order.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <stop_token>
#include <thread>

#include "distributed_breaker/registry/breaker_registry.hpp"
#include "simple_breaker/notice.hpp"

namespace cb {

// Must return within its own deadline and not throw. No answer counts as down. Nothing: the upstream was not asked.
using AskHealth = std::function<std::optional<Health>()>;

// If any breaker is open, asks and reports to those that were open before: the answer says nothing about a breaker that
// opened meanwhile. Returns whether any was open.
bool check_health(const BreakerRegistry& registry, const AskHealth& ask, const std::stop_token& stop = {});

class HealthChecker {
 public:
  // `interval`: the policy's health_check_interval; 0: never ask.
  HealthChecker(std::chrono::milliseconds interval, AskHealth ask);

  // Call it for every notice. Rejections by an open breaker count too: they are the only sign of a breaker that another
  // process opened. Costs one atomic exchange.
  void on_notice(const Notice& notice);

  // The thread that polls. Destroying it takes at most one running health check. Without an interval there is none.
  [[nodiscard]] std::jthread watch(const BreakerRegistry& registry);

 private:
  void run(const std::stop_token& stop, const BreakerRegistry& registry);
  void wait_until_due(const std::stop_token& stop);
  void wake();

  const std::chrono::milliseconds interval_;
  const AskHealth ask_;
  std::atomic<bool> something_opened_{true};  // true at first: an instance that starts during an outage saw no notice
  std::mutex mutex_;
  std::condition_variable_any woken_;
};

}  // namespace cb
