// An instance of a fleet in a test: a separate connection pool to the shared Redis, and the notices that it reported.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "redis_breaker/fallback_breaker.hpp"
#include "redis_breaker/redis/client_for_test.hpp"
#include "redis_breaker/redis_group.hpp"
#include "redis_breaker/tests/eventually_for_test.hpp"

namespace cb {

struct TestInstance {
  TestInstance(TestRedis& shared, const Policy& policy, std::chrono::milliseconds timeout = std::chrono::seconds(5))
      : TestInstance(shared.server.url(), policy, timeout) {}
  TestInstance(const std::string& url, const Policy& policy,
               std::chrono::milliseconds timeout = std::chrono::seconds(5))
      : client(std::make_unique<redis::Client>(redis::parse_url(url), timeout)),
        owned(std::make_unique<FallbackBreaker>(
            redis_group(*client, policy, [this](const Notice& notice) { record(notice); }), Identity{"x"})),
        breaker(*owned) {}

  void record(const Notice& notice) {
    const std::scoped_lock lock(mutex);
    if (const auto transition = transition_of(notice)) transitions_.push_back(*transition);
    if (notice.kind == NoticeKind::store_trouble) troubles_.emplace_back(notice.cause);
    notices_.push_back(notice.kind);
  }

  Permit permit() {
    Admission admission = breaker.acquire();
    REQUIRE(std::holds_alternative<Permit>(admission));
    return std::get<Permit>(std::move(admission));
  }
  Settled call(Outcome outcome) { return permit().settle(outcome); }
  bool rejected() { return std::holds_alternative<Rejection>(breaker.acquire()); }

  // Reported by the caller's thread or by the synchronizer's.
  std::vector<Transition> transitions() const {
    const std::scoped_lock lock(mutex);
    return transitions_;
  }
  std::vector<std::string> troubles() const {
    const std::scoped_lock lock(mutex);
    return troubles_;
  }
  size_t count(NoticeKind kind) const {
    const std::scoped_lock lock(mutex);
    return static_cast<size_t>(std::count(notices_.begin(), notices_.end(), kind));
  }
  std::string last_cause() const {
    const auto all = transitions();
    return all.empty() ? "" : all.back().cause;
  }

  // Waits until the cached view shows this state, without a call: by a push.
  bool sees(State state) {
    return eventually([&] { return breaker.known_state() == state; });
  }
  bool sees(const std::string& cause) {
    return eventually([&] { return last_cause() == cause; });
  }
  // Waits until the cached view is kept fresh by pushes.
  bool receives_pushes() {
    return eventually([&] { return breaker.view().is_fresh(); });
  }

  mutable std::mutex mutex;
  std::vector<Transition> transitions_;  // guarded by mutex
  std::vector<std::string> troubles_;    // guarded by mutex
  std::vector<NoticeKind> notices_;      // guarded by mutex

  // On the heap: on the stack, the locks of one test would have the addresses of another's, and TSan mixes them up.
  const std::unique_ptr<redis::Client> client;
  const std::unique_ptr<FallbackBreaker> owned;
  FallbackBreaker& breaker;
};

// How long after `since` calls were still admitted: until the last one of them began. (A call that begins later must
// have been rejected, however long that took: this holds on the busiest machine.)
inline std::chrono::milliseconds admitted_until(Breaker& breaker, std::chrono::steady_clock::time_point since) {
  auto last = since;
  CHECK(eventually([&] {
    const auto begun = std::chrono::steady_clock::now();
    if (std::holds_alternative<Rejection>(breaker.acquire())) return true;
    last = begun;
    return false;
  }));
  return std::chrono::ceil<std::chrono::milliseconds>(last - since);
}

// The longest that a view may lag, whatever happens. (Its clock is coarse.)
constexpr std::chrono::milliseconds bound_of_freshness{1020};

// True if `attempt`, which creates new instances and returns whether they noticed a change, succeeds through pushes.
// The poll would notice the change as well, but not in a synchronizer's first four seconds: a slower attempt proves
// nothing.
inline bool happens_before_any_poll(const std::function<bool()>& attempt) {
  constexpr std::chrono::seconds shortest_between_polls{4};
  for (int i = 0; i < 5; ++i) {
    const auto begun = std::chrono::steady_clock::now();
    if (attempt() && std::chrono::steady_clock::now() - begun < shortest_between_polls) return true;
  }
  return false;
}

// The answer to a request that must succeed, and the LastKnown of an instance that has seen this answer.
inline Answer answer_in(const StoreResult& result) {
  const auto* trouble = std::get_if<StoreTrouble>(&result);
  REQUIRE_MESSAGE(trouble == nullptr, trouble->what);
  return std::get<Answer>(result);
}
inline Transitions transitions_in(const Answer& answer) {
  Transitions transitions;
  for (const Reply& reply : answer.replies)
    transitions.insert(transitions.end(), reply.transitions.begin(), reply.transitions.end());
  return transitions;
}
inline LastKnown last_known_from(const Answer& reply) {
  return {.generation = reply.generation,
          .state = reply.state,
          .epoch = reply.epoch,
          .run = reply.origin.run,
          .open_for = reply.wait,
          .at = reply.now,
          .removals = reply.removals.value_or(Removals{}),
          .failures = reply.failures,
          .active_override = reply.active_override,
          .override_for = reply.override_until.value_or(reply.now) - reply.now};
}

inline const Policy one_failure{.failure_threshold = 1, .recovery_timeout = std::chrono::seconds(60)};

// Waits until the break has ended by Redis's clock.
inline void wait_for_recovery(TestInstance& instance) {
  CHECK(eventually([&] { return instance.breaker.status().retry_after.count() == 0; }));
}

}  // namespace cb
