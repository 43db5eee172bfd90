// An instance of a fleet, in a test: its own connections to the Redis that all share, and what its breaker reported.
#pragma once

#include <doctest/doctest.h>

#include <chrono>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "redis_breaker/redis_breaker.hpp"
#include "redis_breaker/redis_for_test.hpp"

namespace cb {

// An instance: its own connections to the shared Redis, and what its breaker reported.
struct Instance {
  Instance(TestRedis& shared, const Policy& policy, std::chrono::milliseconds timeout = std::chrono::seconds(5))
      : redis(parse_redis_url(shared.server.url()), timeout),
        breaker(redis, "x", policy, [this](const Event& event) { hear(event); }) {}

  void hear(const Event& event) {
    if (const auto transition = transition_of(event)) transitions.push_back(*transition);
    if (event.kind == EventKind::store_trouble) troubles.emplace_back(event.cause);
  }

  Permit permit() {
    Admission admission = breaker.acquire();
    REQUIRE(std::holds_alternative<Permit>(admission));
    return std::get<Permit>(std::move(admission));
  }
  Settled call(Outcome outcome) { return permit().settle(outcome); }
  bool rejected() { return std::holds_alternative<Rejection>(breaker.acquire()); }
  std::string last_cause() const { return transitions.empty() ? "" : transitions.back().cause; }

  Redis redis;
  std::vector<Transition> transitions;
  std::vector<std::string> troubles;
  RedisBreaker breaker;
};

inline const Policy one_failure{.failure_threshold = 1, .recovery_timeout = std::chrono::seconds(60)};

// Waits until the break is over by Redis's own clock.
inline void wait_for_recovery(Instance& instance) {
  while (instance.breaker.status().retry_after.count() > 0) std::this_thread::yield();
}

}  // namespace cb
