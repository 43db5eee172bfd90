#include "distributed_breaker/resilience/deadline.hpp"

#include <doctest/doctest.h>

using namespace cb;
using namespace std::chrono_literals;

namespace {

const SteadyTime start{1000s};

}  // namespace

TEST_CASE("without a deadline nothing is over, and an attempt has its own timeout") {
  const Deadline none = Deadline::in(0ms, start);
  CHECK(!none.over(start + 24h));
  CHECK(none.remaining(start) == std::nullopt);
  CHECK(none.earlier(1s, start + 24h) == 1s);
}

TEST_CASE("an attempt has its own timeout or the remaining time, whichever is smaller") {
  const Deadline deadline = Deadline::in(3s, start);
  CHECK(deadline.earlier(1s, start) == 1s);
  CHECK(deadline.earlier(1s, start + 2s) == 1s);
  CHECK(deadline.earlier(1s, start + 2900ms) == 100ms);
  CHECK(deadline.earlier(1s, start + 5s) == 0ms);
}

TEST_CASE("a deadline is over from its instant on, and not a nanosecond before") {
  const Deadline deadline = Deadline::in(3s, start);
  CHECK(!deadline.over(start + 3s - 1ns));
  CHECK(deadline.over(start + 3s));
}

TEST_CASE("the remaining time is zero only once the deadline is over: zero often means \"wait for ever\"") {
  const Deadline deadline = Deadline::in(3s, start);
  CHECK(deadline.remaining(start + 3s - 1ns) == 1ms);
  CHECK(deadline.remaining(start + 3s) == 0ms);
  CHECK(deadline.remaining(start + 4s) == 0ms);
}
