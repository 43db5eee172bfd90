#include "redis_breaker/redis/round_trips.hpp"

#include <doctest/doctest.h>

using namespace cb::redis;
using namespace std::chrono_literals;

namespace {

void record(RoundTrips& round_trips, int count, std::chrono::microseconds took) {
  for (int i = 0; i < count; ++i) round_trips.record(took);
}

}  // namespace

TEST_CASE("quick answers leave the time-out at its shortest, and so do none") {
  RoundTrips round_trips(50ms);
  CHECK(round_trips.timeout() == 50ms);
  record(round_trips, 1000, 100us);
  CHECK(round_trips.timeout() == 50ms);
}

TEST_CASE("the time-out follows slow answers, and shrinks again after them") {
  RoundTrips round_trips(50ms);
  record(round_trips, 1000, 100us);
  round_trips.record(60ms);  // a late one
  CHECK(round_trips.timeout() > 60ms);
  record(round_trips, 20, 120ms);
  CHECK(round_trips.timeout() > 120ms);
  record(round_trips, 100, 100us);
  CHECK(round_trips.timeout() == 50ms);
}

TEST_CASE("the time-out has a longest length, which a longer configured one replaces") {
  RoundTrips short_one(50ms), long_one(5s);
  for (RoundTrips* round_trips : {&short_one, &long_one}) record(*round_trips, 20, 10s);
  CHECK(short_one.timeout() == 500ms);
  CHECK(long_one.timeout() == 5s);
}

TEST_CASE("a Redis that needs longer than the shortest time-out is reached after a few attempts") {
  RoundTrips round_trips(50ms);
  int attempts = 0;
  for (; round_trips.timeout() < 180ms; ++attempts) round_trips.record_timeout();
  CHECK(attempts == 2);
  round_trips.record(180ms);  // perhaps it only hung
  round_trips.record(180ms);
  CHECK(round_trips.timeout() > 180ms);
}

TEST_CASE("a Redis that hung for a while and is as quick as before gets the shortest time-out again") {
  RoundTrips round_trips(50ms);
  record(round_trips, 10, 100us);
  for (int i = 0; i < 5; ++i) round_trips.record_timeout();
  CHECK(round_trips.timeout() == 500ms);
  round_trips.record(400ms);  // sent while it hung
  round_trips.record(100us);
  CHECK(round_trips.timeout() == 50ms);
}
