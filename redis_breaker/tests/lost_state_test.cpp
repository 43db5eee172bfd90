// Redis is back without its data: instances know different generations, and the newest must win.
#include <doctest/doctest.h>

#include <chrono>

#include "redis_breaker/script/breaker_script.hpp"
#include "redis_breaker/tests/shared_instance_for_test.hpp"

using namespace cb;
using namespace std::chrono_literals;

TEST_CASE("a manual reset on the new server is not undone by an instance that knows the old state") {
  TestRedis server;
  const BreakerScript script(server.client, one_failure, "a");
  const LastKnown nothing;
  const auto closed = reply_in(script.acquire("x", nothing));
  const auto open =
      reply_in(script.settle("x", last_known_from(closed), {closed.generation, 0}, {Outcome::failure, {}}));
  REQUIRE(open.state == State::open);
  server.server.restart();
  const auto newcomers = reply_in(script.acquire("x", nothing));
  CHECK(newcomers.state == State::closed);
  reply_in(script.apply_override("x", last_known_from(newcomers), {Mode::reset, "ann", ""}, {}));
  CHECK(reply_in(script.tick("x", last_known_from(open))).state == State::closed);
}

TEST_CASE("a long break that was lost is restored with its full length") {
  TestRedis server;
  const Policy policy{.failure_threshold = 1,
                      .recovery_timeout = 1s,
                      .recovery_timeout_multiplier = 10,
                      .recovery_timeout_maximum = 10min};
  const BreakerScript script(server.client, policy, "a");
  const auto closed = reply_in(script.acquire("x", {}));
  auto open = reply_in(script.settle("x", last_known_from(closed), {closed.generation, 0}, {Outcome::failure, {}}));
  open.wait = 300s;  // a break that grew
  server.server.restart();
  CHECK(reply_in(script.tick("x", last_known_from(open))).wait > 290s);
}

TEST_CASE("a circuit known to be closed again is not reopened by an instance that missed the closing") {
  TestRedis server;
  const BreakerScript script(server.client, one_failure, "a");
  const auto closed = reply_in(script.acquire("x", {}));
  const auto open =
      reply_in(script.settle("x", last_known_from(closed), {closed.generation, 0}, {Outcome::failure, {}}));
  const auto reset = reply_in(script.apply_override("x", last_known_from(open), {Mode::reset, "ann", ""}, {}));
  server.server.restart();
  CHECK(reply_in(script.tick("x", last_known_from(reset))).state == State::closed);
  CHECK(reply_in(script.tick("x", last_known_from(open))).state == State::closed);
}

TEST_CASE("an open circuit is restored by an instance that saw it, even if one that missed it comes first") {
  TestRedis server;
  const BreakerScript script(server.client, one_failure, "a");
  const auto closed = reply_in(script.acquire("x", {}));
  const auto open =
      reply_in(script.settle("x", last_known_from(closed), {closed.generation, 0}, {Outcome::failure, {}}));
  server.server.restart();
  CHECK(reply_in(script.tick("x", last_known_from(closed))).state == State::closed);
  CHECK(reply_in(script.tick("x", last_known_from(open))).state == State::open);
  CHECK(reply_in(script.tick("x", last_known_from(open))).transitions.empty());
}
