#include "distributed_breaker/registry/health_checker.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include "distributed_breaker/tests/fake_breaker_for_test.hpp"
#include "simple_breaker/circuit_breaker.hpp"

using namespace cb;
using namespace std::chrono_literals;

namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr auto patience = 30s;  // how long a test waits for what should happen soon

// A clock that stands still until it is told otherwise.
struct HeldClock {
  std::shared_ptr<std::atomic<TimePoint>> now = std::make_shared<std::atomic<TimePoint>>(TimePoint{1000s});
  void advance(std::chrono::microseconds by) const { *now = now->load() + by; }
  TimePoint operator()() const { return *now; }
};

// An upstream's health route whose answer a test sets.
class FakeHealth {
 public:
  Health ask() {
    const std::scoped_lock lock(mutex_);
    ++asked_;
    changed_.notify_all();
    return health;
  }
  int asked() const {
    const std::scoped_lock lock(mutex_);
    return asked_;
  }
  // Waits until it was asked, after now, and what it said has been heard: the next ask begins after that.
  void wait_until_heard() {
    std::unique_lock lock(mutex_);
    REQUIRE(changed_.wait_for(lock, patience, [this, enough = asked_ + 2] { return asked_ >= enough; }));
  }

  std::atomic<Health> health{Health::down};

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  int asked_ = 0;  // guarded by mutex_
};

// A registry of breakers in memory, whose events the checker hears, as in an instance.
struct Lab {
  explicit Lab(std::chrono::milliseconds interval) : checker(interval, [this] { return upstream.ask(); }) {}

  void on_key_written(const Event& event) {
    if (!noticed || event.kind == *noticed) checker.notice(event);
    if (event.to == State::half_open && !is_half_open.exchange(true)) half_open.set_value();
  }
  std::shared_ptr<ManagedBreaker> make(const Identity& identity) const {
    return std::make_shared<CircuitBreaker>(setup, identity);
  }
  static void open(ManagedBreaker& breaker) { std::get<Permit>(breaker.acquire()).settle(Outcome::failure); }

  HeldClock clock;
  FakeHealth upstream;
  std::promise<void> half_open;
  std::atomic<bool> is_half_open{false};
  std::optional<EventKind> noticed{};  // empty: all kinds
  HealthChecker checker;
  std::shared_ptr<const BreakerConfig> setup = std::make_shared<const BreakerConfig>(
      Policy{.failure_threshold = 1, .recovery_timeout = 10s}, [this](const Event& event) { on_key_written(event); },
      clock);
  BreakerRegistry registry{"upstream", 10, [this](const Identity& identity) { return make(identity); }};
};

State state_of(ManagedBreaker& breaker) { return breaker.status().state; }

// One breaker, open or not as a test says, and an upstream that is well.
struct FakeLab {
  explicit FakeLab(std::chrono::milliseconds interval)
      : checker(interval, [this] {
          ++asked;
          return Health::up;
        }) {}

  void notify(EventKind kind, State from, State to) {
    checker.notice({kind, "upstream", "", from, to, 1, "", TimePoint{}});
  }

  std::atomic<int> asked{0};
  HealthChecker checker;
  std::shared_ptr<FakeBreaker> fake = std::make_shared<FakeBreaker>();
  BreakerRegistry registry{"upstream", 0, [this](const Identity&) { return fake; }};
};

bool comes_true(const std::function<bool()>& condition) {
  const auto deadline = SteadyClock::now() + patience;
  while (!condition() && SteadyClock::now() < deadline) std::this_thread::yield();
  return condition();
}

}  // namespace

TEST_CASE("while nothing is open, nobody is asked") {
  Lab lab(1h);
  lab.registry.at("acme");
  CHECK_FALSE(check_health(lab.registry, [&] { return lab.upstream.ask(); }));
  CHECK(lab.upstream.asked() == 0);
}

TEST_CASE("the upstream is asked once, and all open breakers hear of it") {
  Lab lab(1h);
  const auto acme = lab.registry.at("acme"), calm = lab.registry.at("calm");
  Lab::open(lab.registry.common());
  Lab::open(*acme);
  lab.upstream.health = Health::up;
  CHECK(check_health(lab.registry, [&] { return lab.upstream.ask(); }));
  CHECK(lab.upstream.asked() == 1);
  CHECK(state_of(lab.registry.common()) == State::half_open);
  CHECK(state_of(*acme) == State::half_open);
  CHECK(state_of(*calm) == State::closed);
}

TEST_CASE("what the upstream said says nothing about a breaker that opened meanwhile") {
  Lab lab(1h);
  const auto acme = lab.registry.at("acme");
  Lab::open(lab.registry.common());
  check_health(lab.registry, [&] {
    Lab::open(*acme);
    return Health::up;
  });
  CHECK(state_of(*acme) == State::open);
}

TEST_CASE("a circuit goes half-open as soon as the upstream is well, without any call") {
  Lab lab(1ms);
  const std::jthread checking = lab.checker.watch(lab.registry);
  Lab::open(lab.registry.common());
  lab.upstream.wait_until_heard();
  CHECK(state_of(lab.registry.common()) == State::open);
  lab.upstream.health = Health::up;
  CHECK(lab.half_open.get_future().wait_for(patience) == std::future_status::ready);
}

TEST_CASE("a circuit stays open beyond recovery_timeout while the upstream is ill") {
  Lab lab(1ms);
  std::jthread checking = lab.checker.watch(lab.registry);
  Lab::open(lab.registry.common());
  lab.clock.advance(9s);
  lab.upstream.wait_until_heard();
  checking.request_stop();  // it would hear again, and put the end off further
  checking.join();
  lab.clock.advance(9s);
  CHECK(std::get<Rejection>(lab.registry.common().acquire()) == Rejection{State::open, 1s});
}

TEST_CASE("a breaker that was open before the thread began is looked after too") {
  Lab lab(1ms);
  lab.noticed = EventKind::rejection;  // that it opened was told to nobody here
  lab.upstream.health = Health::up;
  Lab::open(lab.registry.common());
  const std::jthread checking = lab.checker.watch(lab.registry);
  CHECK(lab.half_open.get_future().wait_for(patience) == std::future_status::ready);
}

TEST_CASE("once nothing is open the thread sleeps, and any event of an open breaker wakes it") {
  FakeLab lab(1ms);
  const std::jthread checking = lab.checker.watch(lab.registry);
  for (int outage = 0; outage < 10; ++outage) {
    // Each outage is two looks: one that finds it, and one that finds nothing, after which the thread sleeps.
    REQUIRE(comes_true([&] { return lab.fake->looks > 2 * outage; }));
    lab.fake->open = true;
    if (outage % 2 == 0) lab.notify(EventKind::transition, State::closed, State::open);
    if (outage % 2 == 1) lab.notify(EventKind::rejection, State::open, State::open);
    REQUIRE(comes_true([&] { return lab.fake->heard > outage; }));
  }
}

TEST_CASE("what opens while the thread looks is not missed") {
  FakeLab lab(1ms);
  std::atomic<bool> opened{false};
  lab.fake->on_look = [&] {
    if (opened.exchange(true)) return;
    lab.fake->open = true;
    lab.notify(EventKind::transition, State::closed, State::open);
  };
  const std::jthread checking = lab.checker.watch(lab.registry);
  CHECK(comes_true([&] { return lab.fake->heard == 1; }));
}

TEST_CASE("the upstream is asked an interval after the last time, and after something opened, at the earliest") {
  constexpr auto interval = 50ms;
  FakeLab lab(interval);
  const auto start = SteadyClock::now();
  lab.fake->open = true;
  const std::jthread checking = lab.checker.watch(lab.registry);
  REQUIRE(comes_true([&] { return lab.fake->heard == 1; }));
  CHECK(SteadyClock::now() - start >= interval);
  lab.fake->open = true;
  lab.notify(EventKind::transition, State::closed, State::open);
  REQUIRE(comes_true([&] { return lab.asked == 2; }));
  CHECK(SteadyClock::now() - start >= 2 * interval);
}

TEST_CASE("with an interval of 0 there is no thread") {
  Lab lab(0ms);
  CHECK_FALSE(lab.checker.watch(lab.registry).joinable());
}

TEST_CASE("it stops at once, asleep for long or for good") {
  Lab lab(1h);
  const auto start = SteadyClock::now();
  { const std::jthread idle = lab.checker.watch(lab.registry); }
  Lab::open(lab.registry.common());
  { const std::jthread between_two_asks = lab.checker.watch(lab.registry); }
  CHECK(SteadyClock::now() - start < patience);
  CHECK(lab.upstream.asked() == 0);
}
