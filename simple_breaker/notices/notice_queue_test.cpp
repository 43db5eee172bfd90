// What a listener may do: be slow, throw, call the breaker, destroy it. None of it changes what the breaker decides.
#include "simple_breaker/notices/notice_queue.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <functional>
#include <future>
#include <iterator>
#include <memory>
#include <mutex>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "program/wait_until.hpp"
#include "simple_breaker/circuit_breaker.hpp"

using namespace cb;
using namespace std::chrono_literals;

namespace {

constexpr auto patience = 60s;  // limit of a wait that usually takes milliseconds

bool happens(const auto& condition) { return program::wait_until(condition, patience); }

// A clock that moves only by advance().
struct HeldClock {
  std::shared_ptr<std::atomic<TimePoint>> now = std::make_shared<std::atomic<TimePoint>>(TimePoint{1000s});
  void advance(std::chrono::microseconds by) const { *now = now->load() + by; }
  TimePoint operator()() const { return *now; }
};

void fail(Breaker& breaker) { std::get<Permit>(breaker.acquire()).settle(Outcome::failure); }
bool rejects(Breaker& breaker) { return std::holds_alternative<Rejection>(breaker.acquire()); }

// A door that holds a listener up until the test opens it.
struct Door {
  void pass() {
    ++waiting;
    opened.get_future().wait();
  }
  std::promise<void> opened;
  std::atomic<int> waiting{0};
};

// True if that thread of this process waits for something: in "1234 (name) S 1 ..." the letter is its state.
bool is_asleep(pid_t thread) {
  std::ifstream file("/proc/self/task/" + std::to_string(thread) + "/stat");
  const std::string stat(std::istreambuf_iterator<char>(file), {});
  const size_t name_ends = stat.rfind(") ");
  return name_ends != std::string::npos && stat.compare(name_ends, 4, ") S ") == 0;
}

const Policy opens_at_once{.failure_threshold = 1, .recovery_timeout = 1h};

}  // namespace

TEST_CASE("a listener's time is not a probe's: it makes a probe neither slow nor late") {
  const HeldClock clock;
  Policy policy = opens_at_once;
  policy.slow_call_rate_threshold = 0.5;
  policy.slow_call_duration_threshold = 20ms;
  policy.probe_timeout = 50ms;
  std::vector<State> seen;
  CircuitBreaker breaker(policy, on_transition([&](const Transition& transition) {
                           clock.advance(150ms);
                           seen.push_back(transition.to);
                         }),
                         clock);
  fail(breaker);
  clock.advance(1h);
  Admission admission = breaker.acquire();
  clock.advance(2ms);
  const Settled settled = std::get<Permit>(admission).settle(Outcome::success);
  CHECK_FALSE(settled.late);
  CHECK(settled.state == State::closed);
  CHECK(breaker.detailed_status().slow_calls == 0);
  CHECK(seen == std::vector{State::open, State::half_open, State::closed});
}

TEST_CASE("a listener that throws at every notice costs no answer, no probe and no process: each is counted") {
  const HeldClock clock;
  CircuitBreaker breaker(
      opens_at_once, [](const Notice&) { throw std::runtime_error("listener"); }, clock);
  fail(breaker);
  CHECK(rejects(breaker));
  clock.advance(1h);
  { const Admission unsettled = breaker.acquire(); }  // in a destructor
  CHECK(breaker.known_state() == State::half_open);
  CHECK(std::get<Permit>(breaker.acquire()).settle(Outcome::success).state == State::closed);
  CHECK(breaker.apply_override({Mode::forced_open, "ann", ""}, 1h).empty());
  clock.advance(1h);
  CHECK(breaker.status().state == State::half_open);
  CHECK(breaker.detailed_status().listener_errors == 6);
}

TEST_CASE("a listener that acquires at a rejection does not recurse: its notices are delivered after it returns") {
  CircuitBreaker* observed = nullptr;
  int depth = 0, deepest = 0, calls = 0;
  CircuitBreaker breaker(opens_at_once, [&](const Notice& notice) {
    deepest = std::max(deepest, ++depth);
    if (notice.kind == NoticeKind::rejection && ++calls < 10'000) rejects(*observed);
    --depth;
  });
  observed = &breaker;
  fail(breaker);
  CHECK(rejects(breaker));
  CHECK(deepest == 1);
  CHECK(calls == 10'000);
}

TEST_CASE("a listener that never stops causing notices does not keep its thread for good") {
  CircuitBreaker* observed = nullptr;
  uint64_t calls = 0;
  CircuitBreaker breaker(opens_at_once, [&](const Notice& notice) {
    if (notice.kind == NoticeKind::rejection) rejects(*observed);
    ++calls;
  });
  observed = &breaker;
  fail(breaker);
  CHECK(rejects(breaker));
  CHECK(calls > 10'000);
}

TEST_CASE(
    "from many threads, notices are delivered one at a time, in order of what happened, and the last is the state") {
  constexpr int threads = 8;
  std::atomic<int> inside{0}, together{0}, out_of_order{0};
  std::atomic<int> transitions{0};
  State last = State::closed;
  uint64_t generation = 0;
  CircuitBreaker breaker(
      {.failure_threshold = 2, .recovery_timeout = 1ms, .permitted_calls_in_half_open = 2}, [&](const Notice& notice) {
        together += inside++ == 0 ? 0 : 1;
        const bool changed = notice.kind == NoticeKind::transition;
        const bool ordered = changed ? notice.from == last && notice.generation > generation : notice.to == last;
        out_of_order += ordered ? 0 : 1;
        if (changed) generation = notice.generation;
        last = notice.to;
        transitions += changed ? 1 : 0;
        --inside;
      });
  std::vector<std::jthread> running;
  for (unsigned seed = 1; seed <= threads; ++seed) {
    running.emplace_back([&, random = seed * 7919]() mutable {
      for (int i = 0; i < 5000 || transitions < 200; ++i) {
        random = random * 1664525 + 1013904223;
        Admission admission = breaker.acquire();
        if (auto* permit = std::get_if<Permit>(&admission)) permit->settle(static_cast<Outcome>((random >> 24) % 3));
      }
    });
  }
  running.clear();
  CHECK(together == 0);
  CHECK(out_of_order == 0);
  CHECK(last == breaker.known_state());
}

TEST_CASE("a slow listener delays only the thread that delivers, and what waits for it is bounded") {
  constexpr uint32_t rejections = 100'000;
  Door door;
  uint64_t delivered = 0, calls = 0;
  std::vector<NoticeKind> kinds;
  CircuitBreaker breaker(opens_at_once, [&](const Notice& notice) {
    if (notice.kind == NoticeKind::transition) return door.pass();
    delivered += notice.count;
    ++calls;
  });
  std::jthread slow([&] { fail(breaker); });
  REQUIRE(happens([&] { return door.waiting == 1; }));
  uint32_t rejected = 0;
  for (uint32_t i = 0; i < rejections; ++i) rejected += rejects(breaker) ? 1 : 0;
  CHECK(rejected == rejections);
  CHECK(breaker.status().state == State::open);
  door.opened.set_value();
  slow.join();
  CHECK(delivered == rejections);
  CHECK(calls <= 101);
  CHECK(breaker.detailed_status().listener_errors == 0);
}

TEST_CASE("more transitions than can wait for a listener are dropped, the oldest first, and counted") {
  const HeldClock clock;
  Door door;
  std::vector<uint64_t> seen;
  CircuitBreaker breaker(opens_at_once, on_transition([&](const Transition& transition) {
                           if (seen.empty()) door.pass();
                           seen.push_back(transition.generation);
                         }),
                         clock);
  std::jthread slow([&] { fail(breaker); });
  REQUIRE(happens([&] { return door.waiting == 1; }));
  for (int i = 0; i < 1000; ++i) {
    clock.advance(1h);
    fail(breaker);  // two transitions
  }
  door.opened.set_value();
  slow.join();
  const DetailedStatus status = breaker.detailed_status();
  CHECK(seen.size() == 1001);
  CHECK(seen.back() == status.generation);
  CHECK(status.listener_errors == 1000);
}

TEST_CASE("a thread that has delivered for long is relieved by the next one with a notice") {
  Door door;
  std::vector<std::thread::id> delivered_by;
  CircuitBreaker breaker(opens_at_once, [&](const Notice&) {
    delivered_by.push_back(std::this_thread::get_id());
    if (delivered_by.size() == 1) std::this_thread::sleep_for(120ms);  // longer than a turn
    if (delivered_by.size() == 2) door.pass();
  });
  std::promise<std::thread::id> first;
  std::jthread busy([&] {
    fail(breaker);
    first.set_value(std::this_thread::get_id());
  });
  REQUIRE(happens([&] { return breaker.known_state() == State::open; }));
  REQUIRE(rejects(breaker));
  REQUIRE(happens([&] { return door.waiting == 1; }));
  std::atomic<pid_t> relieving{0};
  std::jthread next([&] {
    relieving = gettid();
    rejects(breaker);
  });
  const auto next_id = next.get_id();
  REQUIRE(happens([&, times = 0]() mutable {  // a lock may let it sleep for an instant; its turn, until the door opens
    times = relieving != 0 && is_asleep(relieving) ? times + 1 : 0;
    return times == 10;
  }));
  door.opened.set_value();
  busy.join();
  next.join();
  CHECK(delivered_by.size() == 3);
  CHECK(delivered_by[1] == first.get_future().get());
  CHECK(delivered_by[2] == next_id);
}

TEST_CASE("a thread that is cancelled while it waits to relieve another one goes on first") {
  Door door;
  std::atomic<int> delivered = 0;
  CircuitBreaker breaker(opens_at_once, [&](const Notice&) {
    if (++delivered == 1) std::this_thread::sleep_for(120ms);  // longer than a turn
    if (delivered == 2) door.pass();
  });
  auto late = std::get<Permit>(breaker.acquire());
  std::jthread busy([&] { fail(breaker); });
  REQUIRE(happens([&] { return breaker.known_state() == State::open; }));
  REQUIRE(rejects(breaker));
  REQUIRE(happens([&] { return door.waiting == 1; }));
  std::atomic<pid_t> relieving{0};
  std::thread next([&] {
    relieving = gettid();
    late.settle(Outcome::failure);  // delivers in a destructor
  });
  REQUIRE(happens([&, times = 0]() mutable {
    times = relieving != 0 && is_asleep(relieving) ? times + 1 : 0;
    return times == 10;
  }));
  pthread_cancel(next.native_handle());
  door.opened.set_value();
  busy.join();
  next.join();
  CHECK(delivered == 3);
}

TEST_CASE("a listener may destroy the breaker, whatever caused the notice") {
  const HeldClock clock;
  std::unique_ptr<CircuitBreaker> breaker;
  int notices = 0;
  NoticeKind last_kind = NoticeKind::transition;
  const auto destroyed_at = [&](NoticeKind kind) {
    notices = 0;
    last_kind = kind;
    breaker = std::make_unique<CircuitBreaker>(
        opens_at_once,
        [&](const Notice& notice) {
          ++notices;
          if (notice.kind != last_kind) return;
          rejects(*breaker);  // a notice that is dropped with the breaker
          breaker.reset();
        },
        clock);
  };
  destroyed_at(NoticeKind::transition);
  fail(*breaker);
  CHECK(notices == 1);
  destroyed_at(NoticeKind::rejection);
  fail(*breaker);
  CHECK(rejects(*breaker));
  CHECK(notices == 2);
  destroyed_at(NoticeKind::override);
  breaker->apply_override({Mode::forced_open, "ann", ""}, {});
  CHECK(notices == 1);
  CHECK(breaker == nullptr);
}

TEST_CASE("a breaker's destructor waits for a delivery on another thread; afterwards the listener is not called") {
  Door door;
  std::atomic<bool> destroyed{false}, called_too_late{false};
  auto breaker = std::make_unique<CircuitBreaker>(opens_at_once, [&](const Notice&) {
    if (door.waiting == 0) door.pass();
    called_too_late = called_too_late || destroyed;
  });
  std::jthread slow([&] { fail(*breaker); });
  REQUIRE(happens([&] { return door.waiting == 1; }));
  CHECK(rejects(*breaker));
  std::jthread destroying([&] {
    breaker.reset();
    destroyed = true;
  });
  door.opened.set_value();
  slow.join();
  destroying.join();
  CHECK_FALSE(called_too_late);
}
