#include "store_breaker/fleet_clock.hpp"

#include <doctest/doctest.h>

#include "program/rounds_for_test.hpp"
#include "store_breaker/tests/cas_table_for_test.hpp"

using namespace cb;
using namespace std::chrono_literals;

namespace {

constexpr TimePoint noon{1'700'000'000s};

// Instances whose wall clocks differ, at a store without a clock. The true time is the test's.
struct ClocklessFleet {
  explicit ClocklessFleet(const std::vector<std::chrono::microseconds>& offsets) {
    for (const auto offset : offsets) add(offset);
  }
  void add(std::chrono::microseconds offset) {
    const std::string name = "tester-" + std::to_string(stores.size());
    stores.push_back(std::make_unique<CasStore>(
        records, policy, CasStore::Settings{name, 5s, [this, offset] { return now + offset; }, stores.size()}));
  }
  Answer ask(size_t instance, const std::vector<Event>& events) {
    return std::get<Answer>(stores[instance]->apply("traced", {}, events));
  }
  void look() {
    for (size_t i = 0; i < stores.size(); ++i) ask(i, {Tick{}});
  }
  void trip(size_t instance) {
    const PermitId permit = ask(instance, {Acquire{}}).replies.front().permit;
    const Event failure = Settle{permit, {Outcome::failure}};
    CHECK(ask(instance, {failure, failure, failure}).state == State::open);
  }
  // How long the circuit rejects the calls of all instances, each of which tries every 10 ms.
  std::chrono::microseconds break_length() {
    const TimePoint opened = now;
    while (true) {
      now += 10ms;
      for (size_t i = 0; i < stores.size(); ++i) {
        const Reply reply = ask(i, {Acquire{}}).replies.front();
        if (reply.kind != Reply::Kind::admitted) continue;
        CHECK(ask(i, {Settle{reply.permit, {Outcome::success}}}).state == State::closed);
        return now - opened;
      }
    }
  }

  const Policy policy{};
  TimePoint now = noon;
  std::shared_ptr<MemoryStore> records = std::make_shared<MemoryStore>(Clock{});
  std::vector<std::unique_ptr<CasStore>> stores;
};

}  // namespace

TEST_CASE("wall clocks that differ by a minute neither shorten nor lengthen a break of ten seconds") {
  ClocklessFleet fleet({-60s, 0s, 60s, 7s});
  for (size_t round = 0; round < 4 * rounds(3); ++round) {
    CAPTURE(round);
    fleet.trip(round % 4);
    const auto length = fleet.break_length();
    CHECK(length >= 9'900ms);
    CHECK(length <= 10'100ms);
    fleet.now += 1s * round;
    if (round % 2 == 0) fleet.look();
  }
}

TEST_CASE("an instance that joins during a break admits no sooner, whatever its clock says") {
  for (const auto offset : {-60s, 60s, 86'400s}) {
    ClocklessFleet fleet({0s});
    fleet.trip(0);
    fleet.now += 5s;
    fleet.add(offset);
    CHECK(fleet.ask(1, {Acquire{}}).replies.front().kind == Reply::Kind::rejected);
    CHECK(fleet.break_length() == 5s);
  }
}

TEST_CASE("a breaker's time never goes back, and no other breaker's record moves it") {
  TimePoint steady = noon;
  FleetClock clock([&] { return steady; });
  CHECK(clock.read("a", noon + 60s).now == noon + 60s);
  CHECK(clock.read("a", noon - 60s).now == noon + 60s);
  CHECK(clock.read("a", std::nullopt).now == noon + 60s);
  CHECK(clock.read("b", std::nullopt).now == noon);
  steady += 1s;
  CHECK(clock.read("a", noon + 60s).now == noon + 61s);
  CHECK(clock.read("a", noon + 62s).now == noon + 62s);
}

TEST_CASE("of 300,000 made-up names most are forgotten, but no break and no breaker that is in use") {
  TimePoint steady = noon;
  FleetClock clock([&] { return steady; });
  clock.read("break", noon + 60s, State::open);
  const auto name = [](int number) { return "made-up-" + std::to_string(number); };
  constexpr int names = 300'000;
  for (int i = 0; i < names; ++i) {
    if (i % 1'000 == 0) clock.read("in use", noon + 90s);
    clock.read(name(i), noon + 2h);
    steady += 10ms;
  }
  int remembered = 0;
  for (int i = 0; i < names; ++i) remembered += clock.read(name(i), std::nullopt).ahead > 0s ? 1 : 0;
  CHECK(remembered <= 100'000);
  CHECK(clock.read("break", std::nullopt).ahead == 60s);
  CHECK(clock.read("in use", std::nullopt).ahead == 90s);
}

TEST_CASE("a reading that was not written moves no clock; one that was is exact") {
  TimePoint steady = noon;
  FleetClock clock([&] { return steady; });
  const auto reading = clock.read("a", std::nullopt);
  steady += 5s;
  CHECK(clock.read("a", noon - 60s).now == noon - 60s);  // another writer was quicker
  clock.wrote("a", reading);
  CHECK(clock.read("a", std::nullopt).now == noon + 5s);
}
