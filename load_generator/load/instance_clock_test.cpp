#include "load_generator/load/instance_clock.hpp"

#include <doctest/doctest.h>

using namespace load;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

// An instance whose clock shows `ahead` at offset 0.
struct Dated {
  int64_t ahead;
  InstanceClock clock{};

  // An event at `at`, in an answer that was written at `written` and received at `now`.
  Offset read(int at, int written, int now) { return clock.offset_of(ahead + at, written - at, milliseconds(now)); }
};

constexpr int64_t day_one = 1'763'740'000'000;  // milliseconds since the Unix epoch
constexpr int64_t an_hour_ms = 3'600'000;

}  // namespace

TEST_CASE("an event gets the time when it happened, whatever the instance's clock shows") {
  for (const int64_t ahead : {day_one, day_one - an_hour_ms, day_one + 24 * an_hour_ms, int64_t{0}}) {
    Dated instance{ahead};
    CHECK(instance.read(950, 1000, 1000) == milliseconds(950));
    CHECK(instance.read(-50'000, 1000, 1000) == seconds(-50));
    CHECK(instance.read(2000, 2000, 2000) == seconds(2));
  }
}

TEST_CASE("the quickest answer shows how the clocks differ: slow ones do not shift or reorder events") {
  Dated instance{day_one};
  CHECK(instance.read(900, 1000, 1300) == milliseconds(1200));  // nothing better is known yet
  CHECK(instance.read(1900, 2000, 2001) == milliseconds(1901));
  CHECK(instance.read(2900, 3000, 3700) == milliseconds(2901));
}

TEST_CASE("answers without events show it too, so that the first event is exact") {
  Dated instance{day_one};
  instance.clock.learn(day_one + 1000, milliseconds(1001));
  instance.clock.learn(day_one + 2000, milliseconds(2400));
  CHECK(instance.read(2900, 3000, 3300) == milliseconds(2901));
}

TEST_CASE("an instance that is restarted by another wall clock is understood from its first answer on") {
  Dated before{day_one};
  CHECK(before.read(1000, 1000, 1000) == milliseconds(1000));
  for (const int64_t step : {an_hour_ms, -an_hour_ms}) {
    Dated after{day_one + step, before.clock};
    CHECK(after.read(5000, 5100, 5100) == milliseconds(5000));
  }
}

TEST_CASE("one answer whose dates are hours apart gives the right times, as the ages are right") {
  InstanceClock clock;
  for (const int64_t step : {int64_t{0}, an_hour_ms, -an_hour_ms, int64_t{0}}) {
    CHECK(clock.offset_of(day_one + step, 100, seconds(9)) == milliseconds(8900));
  }
}
