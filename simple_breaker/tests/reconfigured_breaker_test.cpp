#include <doctest/doctest.h>

#include <atomic>
#include <stdexcept>
#include <thread>
#include <variant>

#include "simple_breaker/circuit_breaker.hpp"

using namespace cb;
using namespace std::chrono_literals;

namespace {

struct Reconfigured {
  TimePoint now{1000s};
  CircuitBreaker breaker{{.failure_threshold = 3, .recovery_timeout = 10s}, {}, [this] { return now; }};

  Permit permit() { return std::get<Permit>(breaker.acquire()); }
  Settled call(Outcome outcome) { return permit().settle(outcome); }
  Rejection rejection() { return std::get<Rejection>(breaker.acquire()); }
  uint64_t recent_calls() { return breaker.detailed_status().recent.calls; }
};

}  // namespace

TEST_CASE("a new threshold counts at once, also what was counted before it") {
  Reconfigured it;
  it.call(Outcome::failure);
  it.breaker.reconfigure({.failure_threshold = 2});
  CHECK(it.breaker.status().failures == 1);
  CHECK(it.call(Outcome::failure).state == State::open);
}

TEST_CASE("an invalid policy is refused by name, and the one before it stays") {
  Reconfigured it;
  CHECK_THROWS_WITH_AS(it.breaker.reconfigure({.success_threshold = 0}),
                       "success_threshold is 0; it must be 1 to 1000000", std::invalid_argument);
  for (int i = 0; i < 3; ++i) it.call(Outcome::failure);
  CHECK(it.rejection() == Rejection{State::open, 10s});
}

TEST_CASE("a break under way keeps its length, and the next one has the new one") {
  Reconfigured it;
  for (int i = 0; i < 3; ++i) it.call(Outcome::failure);
  it.breaker.reconfigure({.failure_threshold = 3, .recovery_timeout = 2s});
  CHECK(it.rejection() == Rejection{State::open, 10s});
  it.now += 10s;
  it.call(Outcome::success);
  for (int i = 0; i < 3; ++i) it.call(Outcome::failure);
  CHECK(it.rejection() == Rejection{State::open, 2s});
}

TEST_CASE("a window can begin, change its size and end while the breaker is in use") {
  Reconfigured it;
  const Policy rate{.failure_threshold = 0, .failure_rate_threshold = 0.5, .minimum_number_of_calls = 4};
  it.call(Outcome::success);
  it.breaker.reconfigure(rate);
  for (int i = 0; i < 2; ++i) it.call(Outcome::success);
  CHECK(it.recent_calls() == 2);  // counted on the fast path
  Policy slower = rate;
  slower.minimum_number_of_calls = 5;
  it.breaker.reconfigure(slower);
  CHECK(it.recent_calls() == 2);
  slower.sliding_window_size = 60s;
  it.breaker.reconfigure(slower);
  CHECK(it.recent_calls() == 0);
  for (int i = 0; i < 2; ++i) it.call(Outcome::success);
  for (int i = 0; i < 2; ++i) it.call(Outcome::failure);
  CHECK(it.call(Outcome::failure).state == State::open);
  it.breaker.reconfigure({});
  CHECK(it.recent_calls() == 0);
}

TEST_CASE("a call that began before durations were measured is not slow") {
  Reconfigured it;
  Permit before = it.permit();
  it.breaker.reconfigure({.slow_call_duration_threshold = 1s});
  before.settle(Outcome::success);
  CHECK(it.breaker.detailed_status().slow_calls == 0);
  Permit slow = it.permit();
  it.now += 1s;
  slow.settle(Outcome::success);
  CHECK(it.breaker.detailed_status().slow_calls == 1);
}

TEST_CASE("calls on other threads go on while a breaker is reconfigured") {
  CircuitBreaker breaker({.failure_threshold = 1000});
  std::atomic<bool> ends{false};
  std::atomic<int> calls{0};
  std::jthread caller([&] {
    for (int i = 0; !ends; ++i) {
      std::get<Permit>(breaker.acquire()).settle(i % 7 == 0 ? Outcome::failure : Outcome::success);
      ++calls;
    }
  });
  for (int i = 0; i < 200 || calls < 100; ++i) {
    breaker.reconfigure({.failure_threshold = 1000,
                         .slow_call_rate_threshold = i % 2 == 0 ? 0.0 : 1.0,
                         .slow_call_duration_threshold = 4s,
                         .sliding_window_size = i % 3 == 0 ? 10s : 20s});
    std::this_thread::yield();
  }
  ends = true;
  caller.join();
  CHECK(breaker.status().state == State::closed);
}
