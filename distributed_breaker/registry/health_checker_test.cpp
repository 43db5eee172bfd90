#include "distributed_breaker/registry/health_checker.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <thread>

#include "distributed_breaker/tests/fake_breaker_for_test.hpp"
#include "program/wait_until.hpp"
#include "simple_breaker/circuit_breaker.hpp"

using namespace cb;
using namespace std::chrono_literals;

namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr auto patience = 30s;  // limit of a wait that usually takes milliseconds

bool happens(const auto& condition) { return program::wait_until(condition, patience); }

// A clock that only the test advances.
struct HeldClock {
  std::shared_ptr<std::atomic<TimePoint>> now = std::make_shared<std::atomic<TimePoint>>(TimePoint{1000s});
  void advance(std::chrono::microseconds by) const { *now = now->load() + by; }
  TimePoint operator()() const { return *now; }
};

// An upstream's health route whose answer a test sets.
struct FakeHealth {
  Health ask() {
    ++asked;
    return health;
  }
  // The answer to one question is reported before the next question.
  bool is_reported_once_more() const {
    return happens([this, enough = asked + 2] { return asked >= enough; });
  }

  std::atomic<Health> health{Health::down};
  std::atomic<int> asked{0};
};

// A registry of breakers in memory whose notices reach the checker, as in an instance.
struct Lab {
  explicit Lab(std::chrono::milliseconds interval) : checker(interval, [this] { return upstream.ask(); }) {}

  void on_notice(const Notice& notice) {
    if (!misses_notices) checker.on_notice(notice);
  }
  std::shared_ptr<ManagedBreaker> make(const Identity& identity) const {
    return std::make_shared<CircuitBreaker>(setup, identity);
  }
  static void open(ManagedBreaker& breaker) { std::get<Permit>(breaker.acquire()).settle(Outcome::failure); }

  HeldClock clock;
  FakeHealth upstream;
  bool misses_notices = false;
  HealthChecker checker;
  std::shared_ptr<const BreakerConfig> setup = std::make_shared<const BreakerConfig>(
      Policy{.failure_threshold = 1, .recovery_timeout = 10s}, [this](const Notice& notice) { on_notice(notice); },
      clock);
  BreakerRegistry registry{"upstream", 10, [this](const Identity& identity) { return make(identity); }};
};

State state_of(ManagedBreaker& breaker) { return breaker.status().state; }
bool becomes_half_open(ManagedBreaker& breaker) {
  return happens([&] { return breaker.known_state() == State::half_open; });
}

// One fake breaker, and an upstream that is up.
struct FakeLab {
  explicit FakeLab(std::chrono::milliseconds interval)
      : checker(interval, [this] {
          ++asked;
          return Health::up;
        }) {}

  void notify(NoticeKind kind, State from, State to) {
    checker.on_notice({kind, "upstream", "", from, to, 1, "", TimePoint{}});
  }

  std::atomic<int> asked{0};
  HealthChecker checker;
  std::shared_ptr<FakeBreaker> fake = std::make_shared<FakeBreaker>();
  BreakerRegistry registry{"upstream", 0, [this](const Identity&) { return fake; }};
};

}  // namespace

TEST_CASE("while no breaker is open, the upstream is not asked") {
  Lab lab(1h);
  lab.registry.at("acme");
  CHECK_FALSE(check_health(lab.registry, [&] { return lab.upstream.ask(); }));
  CHECK(lab.upstream.asked == 0);
}

TEST_CASE("the upstream is asked once, and the answer is reported to all open breakers") {
  Lab lab(1h);
  const auto acme = lab.registry.at("acme"), calm = lab.registry.at("calm");
  Lab::open(lab.registry.common());
  Lab::open(*acme);
  lab.upstream.health = Health::up;
  CHECK(check_health(lab.registry, [&] { return lab.upstream.ask(); }));
  CHECK(lab.upstream.asked == 1);
  CHECK(state_of(lab.registry.common()) == State::half_open);
  CHECK(state_of(*acme) == State::half_open);
  CHECK(state_of(*calm) == State::closed);
}

TEST_CASE("if the upstream could not be asked, nothing is reported") {
  FakeLab lab(1h);
  lab.fake->open = true;
  CHECK(check_health(lab.registry, [] { return std::nullopt; }));
  CHECK(lab.fake->health_reports == 0);
}

TEST_CASE("the answer is not reported to a breaker that opened meanwhile") {
  Lab lab(1h);
  const auto acme = lab.registry.at("acme");
  Lab::open(lab.registry.common());
  check_health(lab.registry, [&] {
    Lab::open(*acme);
    return Health::up;
  });
  CHECK(state_of(*acme) == State::open);
}

TEST_CASE("a circuit becomes half-open as soon as the upstream is up, without any call") {
  Lab lab(1ms);
  const std::jthread checking = lab.checker.watch(lab.registry);
  Lab::open(lab.registry.common());
  REQUIRE(lab.upstream.is_reported_once_more());
  CHECK(state_of(lab.registry.common()) == State::open);
  lab.upstream.health = Health::up;
  CHECK(becomes_half_open(lab.registry.common()));
}

TEST_CASE("a circuit stays open beyond recovery_timeout while the upstream is down") {
  Lab lab(1ms);
  std::jthread checking = lab.checker.watch(lab.registry);
  Lab::open(lab.registry.common());
  lab.clock.advance(9s);
  REQUIRE(lab.upstream.is_reported_once_more());
  checking.request_stop();  // another report would extend the break again
  checking.join();
  lab.clock.advance(9s);
  CHECK(std::get<Rejection>(lab.registry.common().acquire()) == Rejection{State::open, 1s});
}

TEST_CASE("a breaker that opened before the thread started is checked too") {
  Lab lab(1ms);
  lab.misses_notices = true;
  lab.upstream.health = Health::up;
  Lab::open(lab.registry.common());
  const std::jthread checking = lab.checker.watch(lab.registry);
  CHECK(becomes_half_open(lab.registry.common()));
}

TEST_CASE("the thread sleeps while no breaker is open, and any notice of an open breaker wakes it") {
  FakeLab lab(1ms);
  const std::jthread checking = lab.checker.watch(lab.registry);
  for (int outage = 0; outage < 10; ++outage) {
    // Each outage takes two reads: one finds the breaker open, the next finds it closed, after which the thread sleeps.
    REQUIRE(happens([&] { return lab.fake->reads > 2 * outage; }));
    lab.fake->open = true;
    if (outage % 2 == 0) lab.notify(NoticeKind::transition, State::closed, State::open);
    if (outage % 2 == 1) lab.notify(NoticeKind::rejection, State::open, State::open);
    REQUIRE(happens([&] { return lab.fake->health_reports > outage; }));
  }
}

TEST_CASE("a breaker that opens during a check is not missed") {
  FakeLab lab(1ms);
  std::atomic<bool> opened{false};
  lab.fake->on_read = [&] {
    if (opened.exchange(true)) return;
    lab.fake->open = true;
    lab.notify(NoticeKind::transition, State::closed, State::open);
  };
  const std::jthread checking = lab.checker.watch(lab.registry);
  CHECK(happens([&] { return lab.fake->health_reports == 1; }));
}

TEST_CASE("the upstream is asked at least an interval after the last time, and after a breaker opened") {
  constexpr auto interval = 50ms;
  FakeLab lab(interval);
  const auto start = SteadyClock::now();
  lab.fake->open = true;
  const std::jthread checking = lab.checker.watch(lab.registry);
  REQUIRE(happens([&] { return lab.fake->health_reports == 1; }));
  CHECK(SteadyClock::now() - start >= interval);
  lab.fake->open = true;
  lab.notify(NoticeKind::transition, State::closed, State::open);
  REQUIRE(happens([&] { return lab.asked == 2; }));
  CHECK(SteadyClock::now() - start >= 2 * interval);
}

TEST_CASE("with an interval of 0 there is no thread") {
  Lab lab(0ms);
  CHECK_FALSE(lab.checker.watch(lab.registry).joinable());
}

TEST_CASE("the thread stops at once, even in a long sleep") {
  Lab lab(1h);
  const auto start = SteadyClock::now();
  { const std::jthread idle = lab.checker.watch(lab.registry); }
  Lab::open(lab.registry.common());
  { const std::jthread between_two_checks = lab.checker.watch(lab.registry); }
  CHECK(SteadyClock::now() - start < patience);
  CHECK(lab.upstream.asked == 0);
}
