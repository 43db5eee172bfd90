#include "load_generator/load/event_dates.hpp"

#include <doctest/doctest.h>

using namespace load;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

namespace {

constexpr int64_t day_one = 1'763'740'000'000;  // milliseconds since the Unix epoch

int64_t date_of(Offset at, Offset clock_ahead = Offset(0)) { return day_one + (at + clock_ahead) / milliseconds(1); }

}  // namespace

TEST_CASE("a date that no clock position explains gets the nearest possible time, never a future one") {
  EventDates dates(day_one);
  dates.compare_clocks({seconds(10), date_of(seconds(10), hours(1))});
  CHECK(dates.offset_of(date_of(minutes(99'999)), seconds(9), seconds(10)) == seconds(10));
  CHECK(dates.offset_of(date_of(seconds(-5)), Offset(0), seconds(10)) == seconds(-5));
  CHECK(dates.offset_of(date_of(seconds(8), hours(1)), seconds(9), seconds(10)) == seconds(8));
}

TEST_CASE("new events reveal a program's clock, by which its older dates are read") {
  for (const Offset ahead : {Offset(seconds(30)), Offset(seconds(-30)), Offset(hours(-9))}) {
    EventDates dates(day_one);
    const auto news = [&](Offset at, Offset last_poll, Offset now) {
      return dates.offset_of_new_event(date_of(at, ahead), last_poll, now);
    };
    CHECK(news(milliseconds(1050), seconds(1), milliseconds(1080)) == milliseconds(1080));
    CHECK(news(milliseconds(1040), seconds(1), milliseconds(1080)) == milliseconds(1070));
    CHECK(news(milliseconds(7010), seconds(7), milliseconds(7100)) == milliseconds(7040));
    CHECK(news(milliseconds(7190), milliseconds(7100), milliseconds(7200)) == milliseconds(7200));
    CHECK(dates.offset_of_new_event(date_of(milliseconds(7250)), milliseconds(7200), milliseconds(7300)) ==
          milliseconds(7250));  // another program's clock, which equals ours
  }
}

TEST_CASE("an event that is reported half a second late is not a sign of another clock") {
  EventDates dates(day_one);
  CHECK(dates.offset_of_new_event(date_of(milliseconds(500)), seconds(1), milliseconds(1100)) == milliseconds(500));
  CHECK(dates.offset_of_new_event(date_of(milliseconds(499)), seconds(1), milliseconds(1100)) == milliseconds(1100));
}

TEST_CASE("however many clock positions are found, the system clock's is kept") {
  EventDates dates(day_one);
  for (int hour = 1; hour < 100; ++hour) {
    CHECK(dates.offset_of_new_event(date_of(hours(hour)), seconds(1), seconds(2)) == seconds(2));
  }
  CHECK(dates.offset_of_new_event(date_of(milliseconds(1500)), seconds(1), seconds(2)) == milliseconds(1500));
}
