#include "distributed_breaker/resilience/deadline.hpp"

#include <doctest/doctest.h>

using namespace cb;
using namespace std::chrono_literals;

namespace {

const SteadyTime start{1000s};

}  // namespace

TEST_CASE("no deadline is never over, and leaves an attempt its own timeout") {
  const Deadline none = Deadline::in(0ms, start);
  CHECK(!none.over(start + 24h));
  CHECK(none.remaining(start) == std::nullopt);
  CHECK(none.earlier(1s, start + 24h) == 1s);
}

TEST_CASE("an attempt may take its own timeout or what remains, whichever is earlier") {
  const Deadline deadline = Deadline::in(3s, start);
  CHECK(deadline.earlier(1s, start) == 1s);
  CHECK(deadline.earlier(1s, start + 2s) == 1s);
  CHECK(deadline.earlier(1s, start + 2900ms) == 100ms);
  CHECK(deadline.earlier(1s, start + 5s) == 0ms);
}

TEST_CASE("a deadline is over from its instant on, and not a moment before") {
  const Deadline deadline = Deadline::in(3s, start);
  CHECK(!deadline.over(start + 3s - 1ns));
  CHECK(deadline.over(start + 3s));
}

TEST_CASE("a timeout made from a deadline is zero only once it is over: zero often means for ever") {
  const Deadline deadline = Deadline::in(3s, start);
  CHECK(deadline.remaining(start + 3s - 1ns) == 1ms);
  CHECK(deadline.remaining(start + 3s) == 0ms);
  CHECK(deadline.remaining(start + 4s) == 0ms);
}
