#include "simple_breaker/circuit_breaker.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <barrier>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "simple_breaker/execute.hpp"

using namespace cb;
using namespace std::chrono_literals;

namespace {

constexpr int threads = 8;

// A clock that moves only by advance().
struct ManualClock {
  std::shared_ptr<std::atomic<TimePoint>> now = std::make_shared<std::atomic<TimePoint>>(TimePoint{1000s});
  void advance(std::chrono::microseconds by) const { *now = now->load() + by; }
  TimePoint operator()() const { return *now; }
};

bool admits(Breaker& breaker) { return std::holds_alternative<Permit>(breaker.acquire()); }

Settled call(Breaker& breaker, Outcome outcome) { return std::get<Permit>(breaker.acquire()).settle(outcome); }

void on_threads(const std::function<void(int)>& work) {
  std::vector<std::jthread> running;
  for (int i = 0; i < threads; ++i) running.emplace_back(work, i);
}

}  // namespace

TEST_CASE("the constructor rejects an invalid setting by name") {
  CHECK_THROWS_WITH_AS(CircuitBreaker({.success_threshold = 0}), "success_threshold is 0; it must be 1 to 1000000",
                       std::invalid_argument);
}

TEST_CASE("a rejection says how long to wait, and the wait shrinks with time") {
  const ManualClock clock;
  CircuitBreaker breaker({.failure_threshold = 1, .recovery_timeout = 10s}, {}, clock);
  CHECK(call(breaker, Outcome::failure).state == State::open);
  CHECK(std::get<Rejection>(breaker.acquire()) == Rejection{State::open, 10s});
  clock.advance(9999ms);
  CHECK(std::get<Rejection>(breaker.acquire()) == Rejection{State::open, 1ms});
  CHECK(breaker.status().retry_after == 1ms);
  clock.advance(1ms);
  CHECK(breaker.status().retry_after == 0ms);
  CHECK(admits(breaker));
}

TEST_CASE("while a probe is in flight callers get a wait that fits a probe, not the whole lease") {
  const ManualClock clock;
  CircuitBreaker breaker({.failure_threshold = 1, .recovery_timeout = 60s, .probe_timeout = 5s}, {}, clock);
  call(breaker, Outcome::failure);
  clock.advance(60s);
  Admission probe = breaker.acquire();
  CHECK(std::get<Permit>(probe).is_probe());
  CHECK(std::get<Rejection>(breaker.acquire()) == Rejection{State::half_open, 1s});
  CHECK(breaker.status().retry_after == 1s);
  clock.advance(4900ms);
  CHECK(std::get<Rejection>(breaker.acquire()) == Rejection{State::half_open, 100ms});
}

TEST_CASE("a permit that is never settled frees its slot as ignored") {
  const ManualClock clock;
  CircuitBreaker breaker({.failure_threshold = 1, .recovery_timeout = 1s}, {}, clock);
  call(breaker, Outcome::failure);
  clock.advance(1s);
  { const Admission unsettled = breaker.acquire(); }
  CHECK(breaker.status().state == State::half_open);
  CHECK(admits(breaker));
}

TEST_CASE("a success between failures resets the count") {
  CircuitBreaker breaker({.failure_threshold = 2});
  for (int i = 0; i < 5; ++i) {
    call(breaker, Outcome::failure);
    call(breaker, Outcome::success);
    CHECK(breaker.status().failures == 0);
  }
  CHECK(breaker.status().state == State::closed);
}

TEST_CASE("a late result is counted and changes nothing") {
  CircuitBreaker breaker({.failure_threshold = 1});
  Admission slow = breaker.acquire();
  call(breaker, Outcome::failure);
  const Status before = breaker.status();
  CHECK(std::get<Permit>(slow).settle(Outcome::success).late);
  CHECK(breaker.detailed_status().late_results == 1);
  CHECK(breaker.status().generation == before.generation);
  CHECK(breaker.status().failures == 1);
}

TEST_CASE("a listener may call the breaker, as no lock is held") {
  Breaker* observed = nullptr;
  std::vector<State> seen;
  CircuitBreaker breaker({.failure_threshold = 1}, on_transition([&](const Transition& transition) {
                           CHECK(observed->status().state == transition.to);
                           seen.push_back(transition.to);
                         }));
  observed = &breaker;
  call(breaker, Outcome::failure);
  CHECK(seen == std::vector{State::open});
}

TEST_CASE("execute returns the result, or the rejection") {
  CircuitBreaker breaker({.failure_threshold = 1});
  CHECK(std::get<int>(execute(breaker, [] { return 42; })) == 42);
  CHECK(std::holds_alternative<std::monostate>(execute(breaker, [] {})));
  CHECK_THROWS_AS(execute(breaker, []() -> int { throw std::runtime_error("down"); }), std::runtime_error);
  CHECK(std::get<Rejection>(execute(breaker, [] { return 42; })).state == State::open);
}

TEST_CASE("execute maps a result to an outcome by the given function") {
  CircuitBreaker breaker({.failure_threshold = 1});
  const auto outcome_of = [](int status) { return status < 400 ? Outcome::success : Outcome::ignored; };
  CHECK(std::get<int>(execute(
            breaker, [] { return 404; }, outcome_of)) == 404);
  CHECK(breaker.status().state == State::closed);
  const auto every_error = [](int status) { return status < 400 ? Outcome::success : Outcome::failure; };
  (void)execute(
      breaker, [] { return 500; }, every_error);
  CHECK(breaker.status().state == State::open);
}

TEST_CASE(
    "with many threads a dead upstream gets the threshold and the calls in flight, and one transition is reported") {
  constexpr int threshold = 5;
  for (int round = 0; round < 200; ++round) {
    std::atomic<int> opened{0}, upstream_failures{0}, late{0};
    CircuitBreaker breaker({.failure_threshold = threshold}, on_transition([&](const Transition& transition) {
                             opened += transition.to == State::open ? 1 : 0;
                           }));
    std::barrier together(threads);
    on_threads([&](int) {
      together.arrive_and_wait();
      for (int i = 0; i < 50; ++i) {
        Admission admission = breaker.acquire();
        if (auto* permit = std::get_if<Permit>(&admission)) {
          ++upstream_failures;
          late += permit->settle(Outcome::failure).late ? 1 : 0;
        }
      }
    });
    CHECK(opened == 1);
    CHECK(breaker.status().failures == threshold);
    CHECK(upstream_failures - late == threshold);
    CHECK(late <= threads - 1);
    CHECK(breaker.detailed_status().late_results == static_cast<uint64_t>(late));
  }
}

TEST_CASE("every failure counts, from many threads") {
  constexpr int each = 5000;
  CircuitBreaker breaker({.failure_threshold = threads * each + 1});
  on_threads([&](int) {
    for (int i = 0; i < each; ++i) call(breaker, Outcome::failure);
  });
  CHECK(breaker.status().failures == threads * each);
}

TEST_CASE("exactly the permitted number of probes is in flight at once, in every half-open generation") {
  constexpr int permitted = 3;
  const ManualClock clock;
  CircuitBreaker breaker({.failure_threshold = 1, .recovery_timeout = 1s, .permitted_calls_in_half_open = permitted},
                         {}, clock);
  call(breaker, Outcome::failure);
  for (int round = 0; round < 200; ++round) {
    clock.advance(1s);
    std::mutex mutex;
    std::vector<Permit> probes;
    std::barrier together(threads);
    on_threads([&](int) {
      together.arrive_and_wait();
      for (int i = 0; i < 5; ++i) {
        Admission admission = breaker.acquire();
        const std::scoped_lock lock(mutex);
        if (auto* permit = std::get_if<Permit>(&admission)) probes.push_back(std::move(*permit));
      }
    });
    CHECK(probes.size() == permitted);
    CHECK(probes.at(0).settle(Outcome::failure).state == State::open);
    for (size_t i = 1; i < probes.size(); ++i) CHECK(probes[i].settle(Outcome::success).late);
  }
}

TEST_CASE("under random load from many threads generations increase and transitions form a chain") {
  std::mutex mutex;
  std::vector<Transition> chain;
  std::atomic<int> transitions{0};
  CircuitBreaker breaker(
      {.failure_threshold = 2, .recovery_timeout = 1ms, .permitted_calls_in_half_open = 2, .probe_timeout = 2ms},
      on_transition([&](const Transition& transition) {
        const std::scoped_lock lock(mutex);
        chain.push_back(transition);
        ++transitions;
      }));
  on_threads([&](int seed) {
    unsigned random = static_cast<unsigned>(seed) * 7919 + 1;
    for (int i = 0; i < 20000 || transitions < 100; ++i) {
      random = random * 1664525 + 1013904223;
      Admission admission = breaker.acquire();
      if (auto* permit = std::get_if<Permit>(&admission)) permit->settle(static_cast<Outcome>((random >> 24) % 3));
    }
  });
  std::sort(chain.begin(), chain.end(), [](auto& a, auto& b) { return a.generation < b.generation; });
  for (size_t i = 1; i < chain.size(); ++i) {
    CHECK(chain[i].generation > chain[i - 1].generation);
    CHECK(chain[i].from == chain[i - 1].to);
  }
}
