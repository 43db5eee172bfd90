// What a listener of a shared breaker may do: be slow, throw, call the breaker, destroy it.
#include <doctest/doctest.h>

#include <atomic>
#include <future>
#include <stdexcept>
#include <thread>
#include <vector>

#include "redis_breaker/quorum_breaker.hpp"
#include "redis_breaker/tests/shared_instance_for_test.hpp"

using namespace cb;
using namespace std::chrono_literals;

namespace {

// Holds a listener up until the test opens it.
struct Gate {
  ~Gate() { open(); }
  void pass() {
    ++waiting;
    while (!opened) std::this_thread::sleep_for(1ms);
  }
  void open() { opened = true; }
  std::atomic<int> waiting{0};
  std::atomic<bool> opened{false};
};

struct Observed {
  Observed(TestRedis& server, const Policy& policy, Listener listener)
      : client(redis::parse_url(server.server.url()), 5s),
        breaker(std::make_unique<FallbackBreaker>(redis_group(client, policy, std::move(listener)), Identity{"x"})) {}

  Settled call(Outcome outcome) const { return std::get<Permit>(breaker->acquire()).settle(outcome); }

  redis::Client client;
  std::unique_ptr<FallbackBreaker> breaker;
};

// Answers although a listener is held up; on failure the gate opens, so that the test ends.
bool answers(Breaker& breaker, Gate& gate) {
  auto answer = std::async(std::launch::async, [&] { return breaker.acquire().index(); });
  const bool in_time = answer.wait_for(20s) == std::future_status::ready;
  if (!in_time) gate.open();
  answer.wait();
  return in_time;
}

}  // namespace

TEST_CASE("a shared probe does not wait for the listener: its notice is delivered when it ends") {
  TestRedis redis;
  std::vector<State> seen;
  const auto prober = std::this_thread::get_id();
  std::atomic<bool> has_waited = false;
  Observed a(redis, {.failure_threshold = 1, .recovery_timeout = 1ms}, on_transition([&](const Transition& transition) {
               seen.push_back(transition.to);
               if (transition.to == State::half_open && std::this_thread::get_id() == prober) has_waited = true;
             }));
  a.call(Outcome::failure);
  REQUIRE(eventually([&] { return a.breaker->status().retry_after == 0ms; }));
  Admission admission = a.breaker->acquire();
  REQUIRE(std::get<Permit>(admission).is_probe());
  CHECK_FALSE(has_waited);
  CHECK(std::get<Permit>(admission).settle(Outcome::success).state == State::closed);
  a.breaker.reset();  // waits for a delivery on another thread
  CHECK(seen == std::vector{State::open, State::half_open, State::closed});
}

TEST_CASE("while a listener is held up by the loss of Redis, calls are answered, and by Redis again once it is back") {
  TestRedis redis;
  redis.server.process().send_signal(SIGKILL);
  redis.server.process().wait(5s);
  Gate gate;
  const Observed a(redis, one_failure, [&](const Notice& notice) {
    if (notice.kind == NoticeKind::store_trouble) gate.pass();
  });
  const std::jthread caller([&] { a.call(Outcome::success); });  // waits for Redis, or for the listener
  REQUIRE(eventually([&] { return gate.waiting > 0; }));
  CHECK(answers(*a.breaker, gate));
  redis.server.restart();
  CHECK(eventually([&] { return a.breaker->detailed_status().store.name == "redis"; }));
  gate.open();
}

TEST_CASE("while a listener is held up by what another program wrote, the view stays fresh") {
  TestRedis redis;
  Gate gate;
  const Observed a(redis, one_failure, [&](const Notice&) { gate.pass(); });
  a.call(Outcome::success);
  REQUIRE(eventually([&] { return a.breaker->view().is_fresh(); }));
  redis.cli({"SET", "cb:x:state", "open"});
  REQUIRE(eventually([&] { return gate.waiting == 1; }));
  redis.cli({"SET", "cb:x:state", "closed"});
  CHECK(eventually([&] { return a.breaker->known_state() == State::closed; }));
  gate.open();
}

TEST_CASE(
    "notices of a shared breaker arrive one at a time and in order of what happened, whichever thread caused them") {
  TestRedis redis;
  std::atomic<int> inside{0}, together{0}, transitions{0};
  int out_of_order = 0;
  State last = State::closed;
  uint64_t generation = 0;
  const Observed a(redis, {.failure_threshold = 1, .recovery_timeout = 1ms}, [&](const Notice& notice) {
    together += inside++ == 0 ? 0 : 1;
    const bool changed = notice.kind == NoticeKind::transition;
    const bool ordered = notice.from == last && (!changed || notice.generation > generation);
    out_of_order += ordered ? 0 : 1;
    generation = changed ? notice.generation : generation;
    transitions += changed ? 1 : 0;
    last = notice.to;
    --inside;
  });
  {
    std::vector<std::jthread> running;
    for (unsigned seed = 1; seed <= 4; ++seed) {
      running.emplace_back([&, random = seed * 7919]() mutable {
        while (transitions < 100) {
          random = random * 1664525 + 1013904223;
          Admission admission = a.breaker->acquire();
          auto* permit = std::get_if<Permit>(&admission);
          if (permit != nullptr) permit->settle(static_cast<Outcome>((random >> 24) % 2));
        }
      });
    }
  }
  CHECK(together == 0);
  CHECK(out_of_order == 0);
  CHECK(a.breaker->detailed_status().store.errors == 0);
}

TEST_CASE("a listener of a shared breaker that throws costs nothing but a count") {
  TestRedis redis;
  const Observed a(redis, {.failure_threshold = 1, .recovery_timeout = 1ms},
                   [](const Notice&) { throw std::runtime_error("listener"); });
  CHECK(a.call(Outcome::failure).state == State::open);
  REQUIRE(eventually([&] { return a.breaker->status().retry_after == 0ms; }));
  { const Admission unsettled = a.breaker->acquire(); }  // in a destructor
  CHECK(a.call(Outcome::success).state == State::closed);
  redis.cli({"SET", "cb:x:state", "open"});  // on the synchronizer's behalf
  CHECK(eventually([&] { return a.breaker->detailed_status().listener_errors == 4; }));
}

TEST_CASE("a listener may destroy a shared breaker, on a caller's thread or the synchronizer's behalf") {
  TestRedis redis;
  for (const bool from_outside : {false, true}) {
    std::unique_ptr<Observed> a;
    std::atomic<bool> destroyed{false};
    a = std::make_unique<Observed>(redis, one_failure, [&](const Notice&) {
      a->breaker.reset();
      destroyed = true;
    });
    a->breaker->apply_override({Mode::automatic, "ann", ""}, {});
    REQUIRE(eventually([&] { return a->breaker->view().is_fresh() || (a->breaker->status(), false); }));
    if (from_outside) redis.cli({"SET", "cb:x:state", "open"});
    if (!from_outside) a->call(Outcome::failure);
    CHECK(eventually([&] { return destroyed.load(); }));
    redis.cli({"FLUSHALL"});
  }
}

TEST_CASE("a breaker with a quorum reports through one queue: a listener that destroys it is called once") {
  TestRedis redis;
  redis::Client client(redis::parse_url(redis.server.url()), 5s);
  std::unique_ptr<QuorumBreaker> breaker;
  std::vector<std::string> causes;
  const Policy policy{.failure_threshold = 1, .minimum_reporting_instances = 2, .recovery_timeout = 60s};
  const auto group = redis_group(client, policy, on_transition([&](const Transition& made) {
                                   causes.push_back(made.cause);
                                   breaker.reset();
                                 }),
                                 "Instance-A");
  breaker = std::make_unique<QuorumBreaker>(group, Identity{"x"});
  std::get<Permit>(breaker->acquire()).settle(Outcome::failure);
  CHECK(causes == std::vector<std::string>{"this instance only: 1 consecutive failure"});
  CHECK(breaker == nullptr);
}
