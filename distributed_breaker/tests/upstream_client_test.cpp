#include "distributed_breaker/upstream_client.hpp"

#include <doctest/doctest.h>

using namespace cb;
using namespace std::chrono_literals;

TEST_CASE("a timeout is evidence against the upstream only if the attempt had half of its time or more") {
  const UpstreamReply timed_out{.sent = true, .timed_out = true};
  CHECK(outcome_of(timed_out, 1000ms, 1000ms) == Outcome::failure);
  CHECK(outcome_of(timed_out, 500ms, 1000ms) == Outcome::failure);
  CHECK(outcome_of(timed_out, 499ms, 1000ms) == Outcome::ignored);
}

TEST_CASE("a refused connection or an answer is evidence, however little time the attempt had") {
  CHECK(outcome_of({}, 1ms, 1000ms) == Outcome::failure);
  CHECK(outcome_of({.outcome = Outcome::success, .http_status = 200}, 1ms, 1000ms) == Outcome::success);
}
