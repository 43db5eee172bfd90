// Redis is back without its data: instances know different generations, and the newest must win.
#include <doctest/doctest.h>

#include <chrono>
#include <string>
#include <vector>

#include "redis_breaker/script/breaker_script.hpp"
#include "redis_breaker/tests/eviction_for_test.hpp"

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

namespace {

// A breaker that an instance `old` knows as open, and Redis has just started empty: it has another run.
struct AfterTheRestart {
  AfterTheRestart() {
    const auto closed = reply_in(script.acquire("x", {}));
    old = last_known_from(reply_in(script.settle("x", last_known_from(closed), {closed.generation, 0}, failure)));
    REQUIRE(old.state == State::open);
    server.server.restart();
  }

  ScriptReply tick(const LastKnown& known) { return reply_in(script.tick("x", known)); }
  State state_for_the_old() { return tick(old).state; }

  TestRedis server;
  const BreakerScript script{server.client, one_failure, "a"};
  const CallResult failure{Outcome::failure, {}};
  LastKnown old;
};

const std::vector<std::vector<std::string>> resets{{"FLUSHALL"},
                                                   {"DEL", "cb:x:state", "cb:x:failures", "cb:x:breaker"},
                                                   {"DEL", "cb:x:state"},
                                                   {"SET", "cb:x:state", "closed"}};

}  // namespace

TEST_CASE("a person's reset on the new server is not undone by an instance not seen since the old one") {
  for (const auto& reset : resets) {
    CAPTURE(reset[0]);
    CAPTURE(reset.size());
    AfterTheRestart redis;
    LastKnown newcomer = last_known_from(reply_in(redis.script.acquire("x", {})));
    redis.server.cli(reset);
    SUBCASE("which comes before the newcomer has noticed it") {}
    SUBCASE("which comes after the newcomer has noticed it") { newcomer = last_known_from(redis.tick(newcomer)); }
    redis.state_for_the_old();
    CHECK(redis.tick(newcomer).state == State::closed);
    CHECK(redis.state_for_the_old() == State::closed);
  }
}

TEST_CASE("a person's reset on the new server is not undone where the state was restored before it") {
  for (const auto& reset : resets) {
    CAPTURE(reset[0]);
    CAPTURE(reset.size());
    AfterTheRestart redis;
    const LastKnown restorer = last_known_from(redis.tick(redis.old));
    REQUIRE(restorer.state == State::open);
    redis.server.cli(reset);
    redis.state_for_the_old();  // it may restore it, but not for long
    CHECK(redis.tick(restorer).state == State::closed);
    CHECK(redis.state_for_the_old() == State::closed);
  }
}

TEST_CASE("a state that a person wrote on the new, empty server is not undone by any instance") {
  AfterTheRestart redis;
  redis.server.cli({"SET", "cb:x:state", "closed"});
  SUBCASE("the instance that knows the old state") {}
  SUBCASE("a newcomer") { reply_in(redis.script.acquire("x", {})); }
  CHECK(redis.state_for_the_old() == State::closed);
  CHECK(redis.state_for_the_old() == State::closed);
}

TEST_CASE("FLUSHALL on a new server that no instance has seen yet is not undone") {
  AfterTheRestart redis;
  redis.server.cli({"FLUSHALL"});
  CHECK(redis.state_for_the_old() == State::closed);
}

TEST_CASE("an override is restored on a server that lost it") {
  AfterTheRestart redis;
  redis.old.active_override = {Mode::forced_open, "ann", "deploying"};
  const ScriptReply restored = redis.tick(redis.old);
  CHECK(restored.active_override == Override{Mode::forced_open, "ann", "deploying"});
  CHECK(restored.state == State::open);
}

TEST_CASE("an instance that knows the circuit closed again keeps one that missed it from opening a fresh one") {
  AfterTheRestart redis;
  LastKnown closed_again = redis.old;
  closed_again.generation += 10;
  closed_again.state = State::closed;
  reply_in(redis.script.acquire("x", {}));  // a newcomer begins a fresh circuit
  CHECK(redis.tick(closed_again).state == State::closed);
  CHECK(redis.state_for_the_old() == State::closed);
}

TEST_CASE("what happened on a server that took over is not undone by a later generation of the old one") {
  TestRedis server;
  HeldClock clock(server);
  const BreakerScript script(server.client, one_failure, "a", clock.script());
  const LastKnown closed = last_known_from(reply_in(script.acquire("x", {})));
  LastKnown ahead = closed;  // what the replica had not received: a trip, by a clock that was an hour ahead
  ahead.generation += 3'600'000'000;
  ahead.state = State::open;
  ahead.open_for = 60s;
  ahead.run = 0x1234;
  server.cli({"HSET", "cb:x:breaker", "run", "0000000000001234"});
  SUBCASE("nothing: the open circuit is restored") { CHECK(reply_in(script.tick("x", ahead)).state == State::open); }
  SUBCASE("a reset: it stays closed, in a generation above both") {
    reply_in(script.apply_override("x", closed, {Mode::reset, "ann", ""}, {}));
    const ScriptReply after = reply_in(script.tick("x", ahead));
    CHECK(after.state == State::closed);
    CHECK(after.generation > ahead.generation);
  }
}

TEST_CASE(
    "a circuit that opened after a flush, with Redis's clock set back, is not closed by an instance that knew it "
    "before") {
  TestRedis server;
  HeldClock clock(server);
  const BreakerScript script(server.client, one_failure, "a", clock.script());
  const LastKnown before = last_known_from(reply_in(script.acquire("x", {})));
  clock.advance(-1h);
  server.cli({"FLUSHALL"});
  clock.advance({});
  const auto fresh = reply_in(script.acquire("x", {}));  // a newcomer
  const auto open = reply_in(script.settle("x", last_known_from(fresh), {fresh.generation, 0}, {Outcome::failure, {}}));
  REQUIRE(open.state == State::open);
  const ScriptReply after = reply_in(script.tick("x", before));
  CHECK(after.state == State::open);
  CHECK(after.generation > before.generation);
  CHECK(reply_in(script.tick("x", last_known_from(open))).state == State::open);
}

TEST_CASE("an open circuit is restored on an empty server whose clock is an hour behind, after a newcomer and others") {
  TestRedis server;
  HeldClock clock(server);
  const auto script_now = [&] { return BreakerScript(server.client, one_failure, "a", clock.script()); };
  const auto closed = reply_in(script_now().acquire("x", {}));
  const auto open =
      reply_in(script_now().settle("x", last_known_from(closed), {closed.generation, 0}, {Outcome::failure, {}}));
  server.server.restart();
  clock.advance(-1h);
  const auto fresh = reply_in(script_now().acquire("x", {}));
  CHECK(reply_in(script_now().tick("x", last_known_from(closed))).state == State::closed);
  CHECK(reply_in(script_now().tick("x", last_known_from(open))).state == State::open);
  CHECK(reply_in(script_now().tick("x", last_known_from(fresh))).state == State::open);
}
