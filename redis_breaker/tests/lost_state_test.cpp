// Redis is back without its data: instances know different generations, and the newest must win.
#include <doctest/doctest.h>

#include <chrono>
#include <string>
#include <vector>

#include "redis_breaker/script/redis_store.hpp"
#include "redis_breaker/tests/eviction_for_test.hpp"

using namespace cb;
using namespace std::chrono_literals;

TEST_CASE("a manual reset on the new server is not undone by an instance that knows the old state") {
  TestRedis server;
  RedisStore script(server.client, one_failure, "a");
  const LastKnown nothing;
  const auto closed = answer_in(script.apply("x", nothing, {Acquire{}}));
  const auto open =
      answer_in(script.apply("x", last_known_from(closed), {Settle{{closed.generation, 0}, {Outcome::failure, {}}}}));
  REQUIRE(open.state == State::open);
  server.server.restart();
  const auto newcomers = answer_in(script.apply("x", nothing, {Acquire{}}));
  CHECK(newcomers.state == State::closed);
  answer_in(script.apply("x", last_known_from(newcomers), {ApplyOverride{{Mode::reset, "ann", ""}, {}}}));
  CHECK(answer_in(script.apply("x", last_known_from(open), {Tick{}})).state == State::closed);
}

TEST_CASE("a long break that was lost is restored with its full length") {
  TestRedis server;
  const Policy policy{.failure_threshold = 1,
                      .recovery_timeout = 1s,
                      .recovery_timeout_multiplier = 10,
                      .recovery_timeout_maximum = 10min};
  RedisStore script(server.client, policy, "a");
  const auto closed = answer_in(script.apply("x", {}, {Acquire{}}));
  auto open =
      answer_in(script.apply("x", last_known_from(closed), {Settle{{closed.generation, 0}, {Outcome::failure, {}}}}));
  open.wait = 300s;  // a break that grew
  server.server.restart();
  CHECK(answer_in(script.apply("x", last_known_from(open), {Tick{}})).wait > 290s);
}

TEST_CASE("a circuit known to be closed again is not reopened by an instance that missed the closing") {
  TestRedis server;
  RedisStore script(server.client, one_failure, "a");
  const auto closed = answer_in(script.apply("x", {}, {Acquire{}}));
  const auto open =
      answer_in(script.apply("x", last_known_from(closed), {Settle{{closed.generation, 0}, {Outcome::failure, {}}}}));
  const auto reset = answer_in(script.apply("x", last_known_from(open), {ApplyOverride{{Mode::reset, "ann", ""}, {}}}));
  server.server.restart();
  CHECK(answer_in(script.apply("x", last_known_from(reset), {Tick{}})).state == State::closed);
  CHECK(answer_in(script.apply("x", last_known_from(open), {Tick{}})).state == State::closed);
}

TEST_CASE("an open circuit is restored by an instance that saw it, even if one that missed it comes first") {
  TestRedis server;
  RedisStore script(server.client, one_failure, "a");
  const auto closed = answer_in(script.apply("x", {}, {Acquire{}}));
  const auto open =
      answer_in(script.apply("x", last_known_from(closed), {Settle{{closed.generation, 0}, {Outcome::failure, {}}}}));
  server.server.restart();
  CHECK(answer_in(script.apply("x", last_known_from(closed), {Tick{}})).state == State::closed);
  CHECK(answer_in(script.apply("x", last_known_from(open), {Tick{}})).state == State::open);
  CHECK(transitions_in(answer_in(script.apply("x", last_known_from(open), {Tick{}}))).empty());
}

TEST_CASE("a look at a breaker that was never used leaves nothing behind") {
  TestRedis server;
  RedisStore script(server.client, one_failure, "a");
  CHECK(answer_in(script.apply("x", {}, {Tick{}})).state == State::closed);
  CHECK(server.cli({"DBSIZE"}) == "0");
}

TEST_CASE("an instance that knows nothing is not asked for more, whatever is gone") {
  TestRedis server;
  RedisStore script(server.client, one_failure, "a");
  answer_in(script.apply("x", {}, {Acquire{}}));
  server.cli({"DEL", "cb:x:failures"});
  server.cli({"CONFIG", "RESETSTAT"});
  answer_in(script.apply("x", {}, {Tick{}}));
  CHECK(server.cli({"INFO", "commandstats"}).find("cmdstat_evalsha:calls=1,") != std::string::npos);
}

TEST_CASE("what went back to an older, half-open state is restored without that state's leases") {
  TestRedis server;
  RedisStore script(server.client, one_failure, "a");
  const ApplyOverride open{{Mode::forced_open, "ann", ""}, {}}, automatic{{Mode::automatic, "ann", ""}, {}};
  const auto half_open = answer_in(script.apply("x", {}, {open, automatic, Acquire{}}));
  REQUIRE(half_open.state == State::half_open);
  REQUIRE(server.cli({"ZCARD", "cb:x:probes"}) == "1");
  LastKnown later = last_known_from(half_open);
  later.generation += 1;
  later.state = State::open;
  later.open_for = 10s;
  CHECK(answer_in(script.apply("x", later, {Tick{}})).state == State::open);
  CHECK(server.cli({"EXISTS", "cb:x:probes"}) == "0");
}

namespace {

// A breaker that an instance `old` knows as open, and Redis has just started empty: it has another run.
struct AfterTheRestart {
  AfterTheRestart() {
    const auto closed = answer_in(script.apply("x", {}, {Acquire{}}));
    old = last_known_from(
        answer_in(script.apply("x", last_known_from(closed), {Settle{{closed.generation, 0}, failure}})));
    REQUIRE(old.state == State::open);
    server.server.restart();
  }

  Answer tick(const LastKnown& known) { return answer_in(script.apply("x", known, {Tick{}})); }
  State state_for_the_old() { return tick(old).state; }

  TestRedis server;
  RedisStore script{server.client, one_failure, "a"};
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
    LastKnown newcomer = last_known_from(answer_in(redis.script.apply("x", {}, {Acquire{}})));
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
  SUBCASE("a newcomer") { answer_in(redis.script.apply("x", {}, {Acquire{}})); }
  CHECK(redis.state_for_the_old() == State::closed);
  CHECK(redis.state_for_the_old() == State::closed);
}

TEST_CASE("FLUSHALL on a new server that no instance has seen yet is not undone") {
  AfterTheRestart redis;
  redis.server.cli({"FLUSHALL"});
  SUBCASE("the instance that knows the old state comes first") {}
  SUBCASE("a newcomer comes first") { answer_in(redis.script.apply("x", {}, {Acquire{}})); }
  CHECK(redis.state_for_the_old() == State::closed);
}

TEST_CASE("an override is restored on a server that lost it") {
  AfterTheRestart redis;
  redis.old.active_override = {Mode::forced_open, "ann", "deploying"};
  const Answer restored = redis.tick(redis.old);
  CHECK(restored.active_override == Override{Mode::forced_open, "ann", "deploying"});
  CHECK(restored.state == State::open);
}

TEST_CASE("an instance that knows the circuit closed again keeps one that missed it from opening a fresh one") {
  AfterTheRestart redis;
  LastKnown closed_again = redis.old;
  closed_again.generation += 10;
  closed_again.state = State::closed;
  answer_in(redis.script.apply("x", {}, {Acquire{}}));  // a newcomer begins a fresh circuit
  CHECK(redis.tick(closed_again).state == State::closed);
  CHECK(redis.state_for_the_old() == State::closed);
}

TEST_CASE("what happened on a server that took over is not undone by a later generation of the old one") {
  TestRedis server;
  HeldClock clock(server);
  RedisStore script(server.client, one_failure, "a", clock.script());
  const LastKnown closed = last_known_from(answer_in(script.apply("x", {}, {Acquire{}})));
  LastKnown ahead = closed;  // what the replica had not received: a trip, by a clock that was an hour ahead
  ahead.generation += 3'600'000'000;
  ahead.state = State::open;
  ahead.open_for = 60s;
  ahead.run = 0x1234;
  server.cli({"HSET", "cb:x:breaker", "run", "0000000000001234"});
  SUBCASE("nothing: the open circuit is restored") {
    CHECK(answer_in(script.apply("x", ahead, {Tick{}})).state == State::open);
  }
  SUBCASE("a reset: it stays closed, in a generation above both") {
    answer_in(script.apply("x", closed, {ApplyOverride{{Mode::reset, "ann", ""}, {}}}));
    const Answer after = answer_in(script.apply("x", ahead, {Tick{}}));
    CHECK(after.state == State::closed);
    CHECK(after.generation > ahead.generation);
  }
}

TEST_CASE(
    "a circuit that opened after a flush, with Redis's clock set back, is not closed by an instance that knew it "
    "before") {
  TestRedis server;
  HeldClock clock(server);
  RedisStore script(server.client, one_failure, "a", clock.script());
  const LastKnown before = last_known_from(answer_in(script.apply("x", {}, {Acquire{}})));
  clock.advance(-1h);
  server.cli({"FLUSHALL"});
  clock.advance({});
  const auto fresh = answer_in(script.apply("x", {}, {Acquire{}}));  // a newcomer
  const auto open =
      answer_in(script.apply("x", last_known_from(fresh), {Settle{{fresh.generation, 0}, {Outcome::failure, {}}}}));
  REQUIRE(open.state == State::open);
  const Answer after = answer_in(script.apply("x", before, {Tick{}}));
  CHECK(after.state == State::open);
  CHECK(after.generation > before.generation);
  CHECK(answer_in(script.apply("x", last_known_from(open), {Tick{}})).state == State::open);
}

TEST_CASE("an open circuit is restored on an empty server whose clock is an hour behind, after a newcomer and others") {
  TestRedis server;
  HeldClock clock(server);
  const auto apply = [&](const LastKnown& known, const Event& event) {
    return answer_in(RedisStore(server.client, one_failure, "a", clock.script()).apply("x", known, {event}));
  };
  const auto closed = apply({}, Acquire{});
  const auto open = apply(last_known_from(closed), Settle{{closed.generation, 0}, {Outcome::failure}});
  server.server.restart();
  clock.advance(-1h);
  const auto fresh = apply({}, Acquire{});
  CHECK(apply(last_known_from(closed), Tick{}).state == State::closed);
  CHECK(apply(last_known_from(open), Tick{}).state == State::open);
  CHECK(apply(last_known_from(fresh), Tick{}).state == State::open);
}
