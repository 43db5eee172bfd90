// What a local breaker takes over from the shared one, and what it keeps from one outage to the next, in virtual time.
#include "redis_breaker/local_breaker.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

using namespace cb;
using namespace std::chrono_literals;

namespace {

struct SimulatedOutages {
  explicit SimulatedOutages(const Policy& policy)
      : local(std::make_shared<const BreakerConfig>(policy, Listener{}, [this] { return now; }),
              {cb::shared([this](const Notice& notice) { notices.push_back(notice.kind); }), {"x"}},
              [this] { return is_in_use; }) {
    shared.snapshot.generation = 1000;
    shared.version = 1;
    shared.epoch = 1000;
    shared.run = 7;
  }

  // The view was changed by a reply, and Redis is away.
  void follow() { local.follow(shared, recovered_at); }
  void return_for(std::chrono::milliseconds time) {
    ++shared.version;
    recovered_at = now;
    now += time;
  }
  void new_generation(State state = State::closed) {
    shared.snapshot.generation += 500;
    shared.snapshot.state = state;
    shared.snapshot.counts = {};
  }

  bool rejected() { return std::holds_alternative<Rejection>(local.acquire()); }
  Settled call(Outcome outcome) {
    Admission admission = local.acquire();
    REQUIRE(std::holds_alternative<Permit>(admission));
    return std::get<Permit>(admission).settle(outcome);
  }
  // A call that the shared breaker has admitted.
  Settled shared_call(Outcome outcome) { return local.settle_shared({shared.snapshot.generation, 0}, now, outcome); }
  int failures() { return local.detailed_status().failures; }
  int reported(NoticeKind kind) const { return static_cast<int>(std::count(notices.begin(), notices.end(), kind)); }

  TimePoint now{std::chrono::hours(1)};
  bool is_in_use = true;
  TimePoint recovered_at{};
  std::vector<NoticeKind> notices{};
  SharedState shared{};
  LocalBreaker local;
};

const Policy after_three{.failure_threshold = 3, .recovery_timeout = 10s};

}  // namespace

// --- the circuit as the shared one was

TEST_CASE("a health check that says that the upstream is down does not end a break that began elsewhere") {
  SimulatedOutages instance({.failure_threshold = 1, .recovery_timeout = 10s});
  instance.new_generation(State::open);
  SUBCASE("a break with its whole length left") { instance.shared.snapshot.open_until = instance.now + 10s; }
  SUBCASE("a break that has grown") { instance.shared.snapshot.open_until = instance.now + 60s; }
  SUBCASE("a break that is nearly over") { instance.shared.snapshot.open_until = instance.now + 1s; }
  instance.follow();
  const auto left = std::max<std::chrono::microseconds>(10s, instance.shared.snapshot.open_until - instance.now);
  instance.now += 500ms;
  instance.local.report_health(Health::down);
  CHECK(instance.rejected());
  CHECK(instance.local.detailed_status().retry_after == left);
}

// --- whose result it is

TEST_CASE("a result of the shared generation counts on the local breaker that continues it, without another permit") {
  SimulatedOutages instance({.failure_threshold = 2, .recovery_timeout = 10s});
  instance.shared.snapshot.counts.failures = 1;
  instance.follow();
  CHECK_FALSE(instance.shared_call(Outcome::success).late);
  CHECK(instance.failures() == 0);
  CHECK(instance.shared_call(Outcome::failure).state == State::closed);
  CHECK(instance.shared_call(Outcome::failure).state == State::open);
}

TEST_CASE("after the local circuit has tripped, results of calls from before the outage are late") {
  SimulatedOutages instance({.failure_threshold = 1, .recovery_timeout = 1s, .permitted_calls_in_half_open = 3});
  instance.follow();
  instance.call(Outcome::failure);
  SUBCASE("during the break") {}
  SUBCASE("after the break") { instance.now += 2s; }
  SUBCASE("while a probe is out") {
    instance.now += 2s;
    const Admission probe = instance.local.acquire();
    for (const Outcome outcome : {Outcome::failure, Outcome::success}) CHECK(instance.shared_call(outcome).late);
    CHECK(instance.local.known_state() == State::half_open);
  }
  const State before = instance.local.known_state();
  const int rejections = instance.reported(NoticeKind::rejection);
  for (int i = 0; i < 5; ++i) {
    CHECK(instance.shared_call(Outcome::failure).late);
    CHECK(instance.shared_call(Outcome::success).late);
  }
  CHECK_FALSE(instance.shared_call(Outcome::ignored).late);
  CHECK(instance.local.known_state() == before);
  CHECK(instance.reported(NoticeKind::rejection) == rejections);
  CHECK(instance.local.detailed_status().late_results >= 10);
}

TEST_CASE("transitions are reported while the local breaker is in use, rejections always") {
  SimulatedOutages instance(after_three);
  instance.follow();
  SUBCASE("in use") {}
  SUBCASE("a call ends when the store is back") { instance.is_in_use = false; }
  for (int i = 0; i < 3; ++i) instance.call(Outcome::failure);
  CHECK(instance.rejected());
  CHECK(instance.reported(NoticeKind::transition) == (instance.is_in_use ? 1 : 0));
  CHECK(instance.reported(NoticeKind::rejection) == 1);
}

TEST_CASE("a result of a shared generation that was over before Redis failed is late on the local breaker") {
  SimulatedOutages instance(after_three);
  const PermitId older{instance.shared.snapshot.generation, 0};
  instance.new_generation();
  instance.follow();
  CHECK(instance.local.settle_shared(older, instance.now, Outcome::failure).late);
  CHECK(instance.failures() == 0);
}

TEST_CASE("a slow call from before the outage is slow on the local breaker too") {
  SimulatedOutages instance({.failure_threshold = 0,
                             .slow_call_rate_threshold = 1,
                             .slow_call_duration_threshold = 1s,
                             .minimum_number_of_calls = 1,
                             .recovery_timeout = 10s});
  instance.follow();
  const TimePoint started = instance.now - 2s;
  CHECK(instance.local.settle_shared({instance.shared.snapshot.generation, 0}, started, Outcome::success).state ==
        State::open);
}

TEST_CASE("the shared circuit's probe half-opens the local one if it succeeds, unless that one has gone on") {
  SimulatedOutages instance({.failure_threshold = 1, .recovery_timeout = 1s});
  instance.shared.snapshot.state = State::open;
  instance.shared.snapshot.open_until = instance.now + 5s;
  instance.follow();
  const PermitId probe{instance.shared.snapshot.generation, 1};
  SUBCASE("a success") {
    CHECK(instance.local.settle_shared(probe, instance.now, Outcome::success).state == State::half_open);
  }
  SUBCASE("a failure") {
    CHECK(instance.local.settle_shared(probe, instance.now, Outcome::failure).state == State::open);
  }
  SUBCASE("late: a local probe has failed meanwhile") {
    instance.now += 5s;
    instance.call(Outcome::failure);
    CHECK(instance.local.settle_shared(probe, instance.now, Outcome::success).late);
    CHECK(instance.local.known_state() == State::open);
  }
}

// --- from one outage to the next

TEST_CASE("failures seen while away are kept from one outage to the next") {
  SimulatedOutages instance(after_three);
  instance.follow();
  instance.call(Outcome::failure);
  instance.return_for(5s);
  instance.shared.snapshot.counts.failures = 1;  // seen by the fleet since
  instance.follow();
  CHECK(instance.failures() == 2);
  CHECK(instance.call(Outcome::failure).state == State::open);
}

TEST_CASE("failures that the local breaker took over are not added again in the next outage") {
  SimulatedOutages instance({.failure_threshold = 9});
  instance.shared.snapshot.counts.failures = 2;
  instance.follow();
  instance.return_for(5s);
  instance.shared.snapshot.counts.failures = 3;
  instance.follow();
  CHECK(instance.failures() == 3);
}

TEST_CASE("a thread that is late with the state that is followed, or an older one, changes nothing") {
  SimulatedOutages instance(after_three);
  instance.shared.version = 2;
  instance.follow();
  instance.call(Outcome::failure);
  instance.local.saw_success(3);
  SUBCASE("the same") {}
  SUBCASE("an older one") { instance.shared.version = 1; }
  instance.follow();
  CHECK(instance.local.follows(2));
  CHECK(instance.failures() == 1);
  CHECK_FALSE(instance.local.watches_successes());
}

TEST_CASE("a local breaker counts the calls that it decides on, and has a status before it has followed anything") {
  SimulatedOutages instance(after_three);
  CHECK(instance.local.detailed_status().store.local_calls == 0);
  instance.follow();
  CHECK_FALSE(instance.local.early_rejection(0ms).has_value());
  for (int i = 0; i < 3; ++i) instance.call(Outcome::failure);
  CHECK(instance.local.detailed_status().store.local_calls == 3);
  CHECK(instance.local.early_rejection(0ms).has_value());
  CHECK(instance.local.detailed_status().store.local_calls == 4);
}

TEST_CASE("a success resets the failures that the fleet has counted between two outages") {
  SimulatedOutages instance(after_three);
  instance.follow();
  instance.return_for(5s);
  instance.shared.snapshot.counts.failures = 2;
  instance.follow();
  instance.call(Outcome::success);
  CHECK(instance.failures() == 0);
}

TEST_CASE("a local break is kept from one outage to the next") {
  SimulatedOutages instance(after_three);
  instance.follow();
  for (int i = 0; i < 3; ++i) instance.call(Outcome::failure);
  instance.return_for(5s);
  instance.follow();
  CHECK(instance.rejected());
  instance.now += 5s;
  CHECK_FALSE(instance.rejected());  // a probe
}

TEST_CASE("a Redis that comes and goes does not hide a dead upstream: the local count goes on") {
  SimulatedOutages instance(after_three);
  int reached = 0;
  for (int i = 0; i < 50; ++i) {
    instance.follow();
    if (!instance.rejected()) {
      instance.call(Outcome::failure);
      ++reached;
    }
    instance.return_for(100ms);
  }
  CHECK(reached == 3);
}

TEST_CASE("what the local breaker counted is forgotten after a success, a minute, or news of the shared circuit") {
  SimulatedOutages instance(after_three);
  instance.follow();
  for (int i = 0; i < 3; ++i) instance.call(Outcome::failure);
  SUBCASE("a success of this instance") {
    instance.return_for(1s);
    instance.local.saw_success(instance.shared.version);
    CHECK_FALSE(instance.local.watches_successes());
  }
  SUBCASE("a minute") { instance.return_for(61s); }
  SUBCASE("the shared circuit has tripped and recovered") {
    instance.new_generation();
    instance.return_for(1s);
  }
  SUBCASE("Redis was flushed: that is an order") {
    instance.new_generation();
    instance.shared.epoch = instance.shared.snapshot.generation;
    instance.return_for(1s);
  }
  instance.follow();
  CHECK(instance.failures() == 0);
  CHECK_FALSE(instance.rejected());
}

TEST_CASE("what the local breaker counted is kept if Redis returns without its data") {
  SimulatedOutages instance(after_three);
  instance.follow();
  for (int i = 0; i < 2; ++i) instance.call(Outcome::failure);
  instance.new_generation();
  instance.shared.epoch = instance.shared.snapshot.generation;
  instance.shared.run = 8;
  instance.shared.snapshot.counts.failures = 1;  // seen by the fleet since
  instance.return_for(1s);
  instance.follow();
  CHECK(instance.failures() == 3);
}

TEST_CASE("a success from before the outage does not discard what is counted in it") {
  SimulatedOutages instance(after_three);
  instance.follow();
  instance.call(Outcome::failure);
  instance.local.saw_success(instance.shared.version);
  CHECK(instance.local.watches_successes());
  ++instance.shared.version;  // a reply that was late
  instance.follow();
  CHECK(instance.failures() == 1);
}

TEST_CASE("an override of which an instance had only the news is in force once it is known") {
  SimulatedOutages instance(after_three);
  instance.new_generation();
  instance.follow();
  ++instance.shared.version;
  instance.shared.snapshot.mode = Mode::disabled;
  instance.shared.active_override = {Mode::disabled, "ann", ""};
  instance.follow();
  for (int i = 0; i < 5; ++i) instance.call(Outcome::failure);
  CHECK(instance.local.detailed_status().active_override.actor == "ann");
}

TEST_CASE("what an instance learns between two outages is in force in the second one") {
  SimulatedOutages instance(after_three);
  instance.follow();
  instance.new_generation(State::open);
  instance.shared.snapshot.mode = Mode::forced_open;
  instance.shared.snapshot.open_until = never;
  instance.shared.active_override = {Mode::forced_open, "ann", ""};
  instance.return_for(1s);
  instance.follow();
  CHECK(instance.rejected());
  CHECK(instance.local.detailed_status().active_override.actor == "ann");
}
