// A HealthChecker asks how the upstream is while some breaker is open, and tells all that are: so a circuit goes
// half-open as soon as the upstream is well, stays open while it is ill, and no user's call pays for finding out.
// The upstream is asked an interval after something opened at the earliest, and never twice within one: a health route
// that says "well" of a service that fails shortens each break to an interval, and to no less. While nothing is open,
// the thread sleeps until an event tells otherwise.
// Thread-safe: notice() and watch(). One that watches is to be made before the registry (whose breakers' listener calls
// notice()), and its thread after: they then end in the right order.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <stop_token>
#include <thread>

#include "distributed_breaker/registry/breaker_registry.hpp"
#include "simple_breaker/event.hpp"

namespace cb {

// Must return within a deadline of its own, and not throw. No answer counts as ill.
using AskHealth = std::function<Health()>;

// Asks, if some breaker is open, and tells those that were so before: what the upstream said says nothing about one
// that opened meanwhile. Returns whether any was.
bool check_health(const BreakerRegistry& registry, const AskHealth& ask, const std::stop_token& stop = {});

class HealthChecker {
 public:
  // `interval`: the policy's health_check_interval; 0: never ask.
  HealthChecker(std::chrono::milliseconds interval, AskHealth ask);

  // To be told of every event. A rejection by an open breaker counts too: what another process opened is known only by
  // that. Costs one atomic exchange.
  void notice(const Event& event);

  // The thread that does the work, until it is destroyed: at once, or when the ask that is under way has returned.
  // None where the interval is 0.
  [[nodiscard]] std::jthread watch(const BreakerRegistry& registry);

 private:
  void run(const std::stop_token& stop, const BreakerRegistry& registry);
  void wait_until_due(const std::stop_token& stop);
  void wake();

  const std::chrono::milliseconds interval_;
  const AskHealth ask_;
  std::atomic<bool> something_opened_{true};  // at first: who started later than the outage has missed the event
  std::mutex mutex_;
  std::condition_variable_any woken_;
};

}  // namespace cb
