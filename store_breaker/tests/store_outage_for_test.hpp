// What an instance must do while the server of its store hangs, or is dead, and when it is back; and when a person
// deletes what the store has.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <utility>

#include "redis_breaker/tests/eventually_for_test.hpp"
#include "store_breaker/tests/store_fleet_for_test.hpp"

namespace cb {

// One instance, which opens the circuit after three failures.
struct SharedInstance {
  explicit SharedInstance(const OpenStore& open)
      : breaker(std::make_shared<const SharedBreakerGroup>(
                    std::make_unique<CasStore>(open(), policy, CasStore::Settings{.instance = "instance"}), policy),
                Identity{"payments"}) {
    call(Outcome::success);
    REQUIRE(eventually([&] { return is_shared() && breaker.view().is_fresh(); }));
  }

  // Returns how long the breaker made this call wait.
  std::chrono::milliseconds call(Outcome outcome) {
    const auto began = std::chrono::steady_clock::now();
    Admission admission = breaker.acquire();
    if (auto* permit = std::get_if<Permit>(&admission)) permit->settle(outcome);
    return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - began);
  }

  void fail_until_open() {
    for (int i = 0; i < policy.failure_threshold; ++i) call(Outcome::failure);
    CHECK(breaker.known_state() == State::open);
  }

  bool is_shared() { return breaker.detailed_status().store.error.empty(); }

  const Policy policy{.failure_threshold = 3, .recovery_timeout = std::chrono::minutes(10)};
  FallbackBreaker breaker;
};

constexpr std::chrono::seconds far_beyond_the_deadline{3};  // of 250 ms, also on a busy machine

// No call waits for the server, the local breaker opens the circuit meanwhile, and the fleet's is used again
// afterwards.
inline void check_store_that_hangs(const OpenStore& open, const std::function<void()>& stop,
                                   const std::function<void()>& resume) {
  SharedInstance instance(open);
  stop();
  std::chrono::milliseconds longest{0};
  while (instance.breaker.known_state() != State::open) longest = std::max(longest, instance.call(Outcome::failure));
  for (int i = 0; i < 100; ++i) longest = std::max(longest, instance.call(Outcome::failure));
  CHECK_FALSE(instance.is_shared());
  CHECK(instance.breaker.detailed_status().store.local_calls > 0);
  resume();
  CHECK(eventually([&] { return instance.is_shared(); }));
  CHECK(longest < far_beyond_the_deadline);
  MESSAGE("while the server was stopped, the breaker made no call wait for more than " << longest.count() << " ms");
  CHECK(eventually([&] { return std::holds_alternative<Permit>(instance.breaker.acquire()); }));  // not the fleet's
}

// An open circuit stays open while the server is dead and after its return, as the same stay.
inline void check_store_that_dies(const OpenStore& open, const std::function<void()>& kill,
                                  const std::function<void()>& start) {
  SharedInstance instance(open);
  instance.fail_until_open();
  const uint64_t generation = instance.breaker.detailed_status().generation;
  kill();
  REQUIRE(eventually([&] { return !instance.is_shared(); }));
  CHECK(std::holds_alternative<Rejection>(instance.breaker.acquire()));
  start();
  CHECK(eventually([&] { return instance.is_shared(); }));
  CHECK(std::holds_alternative<Rejection>(instance.breaker.acquire()));
  CHECK(instance.breaker.detailed_status().generation == generation);
}

// A person who deletes the record of an open circuit closes it for all instances.
inline void check_deletion(const OpenStore& open, const std::function<void()>& delete_record) {
  SharedInstance one(open), other(open);
  one.fail_until_open();
  REQUIRE(eventually([&] { return other.breaker.known_state() == State::open; }));
  delete_record();
  CHECK(eventually([&] { return one.breaker.known_state() == State::closed; }));
  CHECK(eventually([&] { return other.breaker.known_state() == State::closed; }));
  CHECK(std::holds_alternative<Permit>(other.breaker.acquire()));
}

}  // namespace cb
