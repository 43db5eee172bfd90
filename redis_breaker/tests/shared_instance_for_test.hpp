// An instance of a fleet, in a test: its own connections to the Redis that all share, and what its breaker reported.
#pragma once

#include <doctest/doctest.h>

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "redis_breaker/redis/client_for_test.hpp"
#include "redis_breaker/redis_breaker.hpp"

namespace cb {

// Waits for what should take milliseconds; false where it does not come.
inline bool eventually(const std::function<bool()>& condition,
                       std::chrono::milliseconds patience = std::chrono::seconds(20)) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::yield();
  }
  return true;
}

// An instance: its own connections to the shared Redis, and what its breaker reported.
struct TestInstance {
  TestInstance(TestRedis& shared, const Policy& policy, std::chrono::milliseconds timeout = std::chrono::seconds(5))
      : client(std::make_unique<redis::Client>(redis::parse_url(shared.server.url()), timeout)),
        owned(std::make_unique<RedisBreaker>(*client, "x", policy, [this](const Event& event) { record(event); })),
        breaker(*owned) {}

  void record(const Event& event) {
    const std::scoped_lock lock(mutex);
    if (const auto transition = transition_of(event)) events.push_back(*transition);
    if (event.kind == EventKind::store_trouble) trouble_causes.emplace_back(event.cause);
  }

  Permit permit() {
    Admission admission = breaker.acquire();
    REQUIRE(std::holds_alternative<Permit>(admission));
    return std::get<Permit>(std::move(admission));
  }
  Settled call(Outcome outcome) { return permit().settle(outcome); }
  bool rejected() { return std::holds_alternative<Rejection>(breaker.acquire()); }

  // What the listener was told, by the caller's thread or by the link's.
  std::vector<Transition> transitions() const {
    const std::scoped_lock lock(mutex);
    return events;
  }
  std::vector<std::string> troubles() const {
    const std::scoped_lock lock(mutex);
    return trouble_causes;
  }
  std::string last_cause() const {
    const auto all = transitions();
    return all.empty() ? "" : all.back().cause;
  }

  // Waits until it has heard by itself, from a push and without a call, that the state is this one.
  bool sees(State state) {
    return eventually([&] { return breaker.known_state() == state; });
  }
  bool sees(const std::string& cause) {
    return eventually([&] { return last_cause() == cause; });
  }
  // Waits until calls are answered from what Redis pushes.
  bool receives_pushes() {
    return eventually([&] { return breaker.receives_pushes(); });
  }

  mutable std::mutex mutex;
  std::vector<Transition> events;           // guarded by mutex
  std::vector<std::string> trouble_causes;  // guarded by mutex

  // Not on the stack, where the locks of one test would stand in the places of another's: TSan holds them for the same.
  const std::unique_ptr<redis::Client> client;
  const std::unique_ptr<RedisBreaker> owned;
  RedisBreaker& breaker;
};

// Whether `attempt`, which makes instances of its own and says whether they have heard of something, succeeds by what
// Redis pushes: the slow poll finds out too, but not in a link's first four seconds. What took longer says nothing.
inline bool happens_before_any_poll(const std::function<bool()>& attempt) {
  constexpr std::chrono::seconds shortest_between_polls{4};
  for (int i = 0; i < 5; ++i) {
    const auto begun = std::chrono::steady_clock::now();
    if (attempt() && std::chrono::steady_clock::now() - begun < shortest_between_polls) return true;
  }
  return false;
}

inline const Policy one_failure{.failure_threshold = 1, .recovery_timeout = std::chrono::seconds(60)};

// Waits until the break is over by Redis's own clock.
inline void wait_for_recovery(TestInstance& instance) {
  while (instance.breaker.status().retry_after.count() > 0) std::this_thread::yield();
}

}  // namespace cb
