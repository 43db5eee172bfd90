// What the script restores where several servers, with clocks that differ, lose a breaker one after the other.
// Simulated chaos found each case; here they are without the fleet around them.
#include <doctest/doctest.h>

#include <memory>

#include "load_generator/simulation/redis/virtual_redis.hpp"
#include "redis_breaker/cached_core.hpp"
#include "redis_breaker/feed/announced_text.hpp"
#include "redis_breaker/script/script_call.hpp"

using namespace simulation;
using namespace std::chrono_literals;

namespace {

constexpr cb::TimePoint start{1'000'000s};
const cb::BreakerKeys keys{"sim", "cb:sim:", "cb:sim:news"};
const auto script = std::make_shared<const cb::Script>(cb::breaker_script_source());

// A server whose clock a test sets.
struct Server {
  explicit Server(uint64_t run, cb::TimePoint clock) : redis(run), now(clock) {}
  VirtualRedis redis;
  cb::TimePoint now;
};

// An instance, which remembers what it saw last.
struct Caller {
  cb::Answer apply(Server& server, const cb::Event& event) {
    server.now += 1ms;
    cb::ScriptCall call = caller.call(keys, known, {event}, cb::StateStore::Writes::if_changed);
    cb::redis::Reply reply = server.redis.execute(call.command(), server.now);
    for (commands = 1; call.continues_after(reply); ++commands) {
      reply = server.redis.execute(call.command(), server.now);
    }
    cb::StoreResult result = call.result_of(reply);
    REQUIRE(std::holds_alternative<cb::Answer>(result));
    const auto answer = std::get<cb::Answer>(std::move(result));
    known.generation = answer.generation;
    known.state = answer.state;
    known.epoch = answer.epoch;
    known.run = answer.origin.run;
    known.open_for = answer.wait;
    known.at = answer.now;
    known.failures = answer.failures;
    known.active_override = answer.active_override;
    if (answer.removals) known.removals = *answer.removals;
    return answer;
  }
  cb::Answer fail(Server& server) {
    const auto admitted = apply(server, cb::Acquire{});
    return apply(server, cb::Settle{admitted.replies.at(0).permit, {cb::Outcome::failure}});
  }

  cb::ScriptCaller caller{cb::Policy{.failure_threshold = 1, .recovery_timeout = 60s}, "a", script};
  cb::LastKnown known{.is_count_due = true};
  int commands = 0;  // of the last event
};

}  // namespace

TEST_CASE("two servers that restore the same state number it differently, even if the clock was set back") {
  Server first(0x1111'1111'1111'1111, start), second(0x2222'2222'2222'2222, start - 1h),
      third(0x3333'3333'3333'3333, start - 1h);
  Caller a;
  const cb::Answer open = a.fail(first);
  REQUIRE(open.state == cb::State::open);
  Caller b = a;
  const cb::Answer on_second = a.apply(second, cb::Tick{});
  const cb::Answer on_third = b.apply(third, cb::Tick{});
  CHECK(on_second.state == cb::State::open);
  CHECK(on_third.state == cb::State::open);
  CHECK(on_second.generation > open.generation);
  CHECK(on_third.generation > open.generation);
  CHECK(on_second.generation != on_third.generation);
}

TEST_CASE("a server that evicts what it has restored numbers it differently, even if its clock was set back") {
  Server first(0x1111'1111'1111'1111, start), second(0x2222'2222'2222'2222, start - 1h);
  Caller a;
  REQUIRE(a.fail(first).state == cb::State::open);
  Caller b = a;
  const cb::Answer before = a.apply(second, cb::Tick{});
  while (!second.redis.data().empty()) second.redis.evict(std::string(second.redis.data().begin()->first));
  const cb::Answer after = b.apply(second, cb::Tick{});
  CHECK(before.state == cb::State::open);
  CHECK(after.state == cb::State::open);
  CHECK(after.generation != before.generation);
}

TEST_CASE("a flush begins another number than a caller missed, even if the clock was set back") {
  Server server(0x1111'1111'1111'1111, start);
  Caller a;
  a.apply(server, cb::Tick{});
  Caller b = a;
  server.now -= 1h;
  const cb::Answer open = a.fail(server);
  server.redis.execute({"FLUSHALL"}, server.now);
  const cb::Answer after = b.apply(server, cb::Tick{});
  CHECK(after.state == cb::State::closed);
  CHECK(after.generation != open.generation);
}

TEST_CASE("a state that was restored on a master is no deleted one on its replica, whose clock was behind") {
  Server first(0x1111'1111'1111'1111, start), master(0x2222'2222'2222'2222, start);
  Server replica(0x3333'3333'3333'3333, start - 5s);
  Caller a;
  a.fail(first);
  Caller b = a;
  REQUIRE(a.apply(replica, cb::Tick{}).state == cb::State::open);  // it was a master once, and had nothing
  REQUIRE(b.apply(master, cb::Tick{}).state == cb::State::open);
  replica.redis.replace_data(master.redis.data());
  replica.now = start + 1s;
  CHECK(a.apply(replica, cb::Tick{}).state == cb::State::open);
}

TEST_CASE("a state that was restored stays, when the clock of its server is set back") {
  Server first(0x1111'1111'1111'1111, start), second(0x2222'2222'2222'2222, start);
  Caller a;
  a.fail(first);
  REQUIRE(a.apply(second, cb::Tick{}).state == cb::State::open);
  second.now -= 5s;
  CHECK(a.apply(second, cb::Tick{}).state == cb::State::open);
  CHECK(a.apply(second, cb::Tick{}).state == cb::State::open);
}

TEST_CASE("an override outlives a loss, if an instance that knows only its news meets the loss first") {
  Server server(1, start);
  Caller giver, other;
  giver.apply(server, cb::Tick{});
  giver.apply(server, cb::ApplyOverride{{cb::Mode::forced_open, "ann", "why"}, 0ms});
  cb::CachedCore core(cb::Policy{});
  for (const Push& push : server.redis.take_pushes()) {
    if (push.kind == Push::Kind::message) core.announced(cb::parse_news(push.text).second, {}, server.now);
  }
  other.known = core.begin({}, server.now).known;
  other.known.run = giver.known.run;
  CHECK(other.known.generation == giver.known.generation);
  while (!server.redis.data().empty()) server.redis.evict(std::string(server.redis.data().begin()->first));
  other.apply(server, cb::Acquire{});
  const auto restored = giver.apply(server, cb::Tick{});
  CHECK(restored.active_override.mode == cb::Mode::forced_open);
  CHECK(restored.active_override.actor == "ann");
}

TEST_CASE("a caller that has seen what was restored needs no more round trips than before the loss") {
  Server first(0x1111'1111'1111'1111, start), second(0x2222'2222'2222'2222, start);
  Caller a;
  REQUIRE(a.fail(first).state == cb::State::open);
  Caller b = a;
  a.apply(second, cb::Tick{});  // restores
  b.apply(second, cb::Tick{});  // says all that it knows of the first
  CHECK(b.commands > 1);
  for (Caller* caller : {&a, &b}) {
    caller->apply(second, cb::Acquire{});
    CHECK(caller->commands == 1);
  }
}
