#include "load_generator/load/changing_rate.hpp"

#include <doctest/doctest.h>

using namespace load;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

constexpr ChangingRate::TimePoint start{};

}  // namespace

TEST_CASE("at a steady rate a call is due after each gap") {
  ChangingRate rate(start);
  CHECK(rate.due(100, start) == 0);
  CHECK(rate.next(start) == start + milliseconds(10));
  CHECK(rate.due(100, start + milliseconds(9)) == 0);
  CHECK(rate.due(100, start + milliseconds(10)) == 1);
  CHECK(rate.due(100, start + milliseconds(55)) == 4);
  CHECK(rate.next(start + milliseconds(55)) == start + milliseconds(60));
}

TEST_CASE("a rate that starts, is raised or goes on after a pause makes nothing due for the time before") {
  ChangingRate rate(start);
  CHECK(rate.due(0, start) == 0);
  CHECK(rate.due(200, start + milliseconds(600)) == 0);
  CHECK(rate.due(200, start + milliseconds(700)) == 20);
  CHECK(rate.due(1000, start + milliseconds(704)) == 0);
  CHECK(rate.due(1000, start + milliseconds(714)) == 10);
  CHECK(rate.due(0, start + milliseconds(715)) == 0);
  CHECK(rate.due(1000, start + milliseconds(1400)) == 0);
  CHECK(rate.due(1000, start + milliseconds(1401)) == 1);
}

TEST_CASE("after a stall the calls of one second are due, and older ones are dropped") {
  ChangingRate rate(start);
  CHECK(rate.due(100, start) == 0);
  CHECK(rate.due(100, start + milliseconds(900)) == 90);
  CHECK(rate.due(100, start + seconds(60)) == 100);
}

TEST_CASE("a rate near zero makes a call due each hour") {
  for (const double near_zero : {1e-11, 1e-300}) {
    ChangingRate rate(start);
    CHECK(rate.due(near_zero, start) == 0);
    CHECK(rate.next(start) == start + hours(1));
    CHECK(rate.due(near_zero, start + hours(1)) == 1);
  }
}
