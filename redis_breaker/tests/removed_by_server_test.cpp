// What the server removes by itself, by eviction or expiry, is restored from what the fleet knows; what a person
// deletes is a reset. All of a breaker's keys may go together, or one of them.
#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "redis_breaker/script/redis_store.hpp"
#include "redis_breaker/sync/loss_meter.hpp"
#include "redis_breaker/tests/eviction_for_test.hpp"

using namespace cb;
using namespace std::chrono_literals;

namespace {

// An instance without threads: it knows what its last reply said.
class Caller {
 public:
  explicit Caller(RedisStore& store) : store_(store) {}

  Answer acquire() { return apply(Acquire{}, known.generation == 0); }
  Answer tick() { return apply(Tick{}, true); }
  Answer settle(const Answer& admitted, Outcome outcome) {
    return apply(Settle{admitted.replies.front().permit, {outcome}}, false);
  }
  Answer fail() { return settle(acquire(), Outcome::failure); }
  Answer apply(Mode mode, std::chrono::milliseconds lasts = {}) {
    return apply(ApplyOverride{{mode, "ann", "deploying"}, lasts}, false);
  }

  LastKnown known;

 private:
  Answer apply(const Event& event, bool counts_removals) {
    known.is_count_due = counts_removals;
    Answer answer = answer_in(store_.apply("x", known, {event}));
    const Removals before = known.removals;
    const bool same_server = known.run == answer.origin.run;
    known = last_known_from(answer);
    if (!answer.removals && same_server) known.removals = before;
    return answer;
  }

  RedisStore& store_;
};

struct Fleet {
  explicit Fleet(const Policy& policy = one_failure) : script(redis.client, policy, "tester") {}

  // What a person sees who looks at the state.
  std::string state() { return redis.cli({"GET", "cb:x:state"}); }

  TestRedis redis;
  RedisStore script;
  Caller a{script}, b{script};
};

long calls_of(TestRedis& redis, const std::string& command) {
  const std::string stats = redis.cli({"INFO", "commandstats"}), field = "cmdstat_" + command + ":calls=";
  const auto at = stats.find(field);
  return at == std::string::npos ? 0 : std::stol(stats.substr(at + field.size()));
}

const Policy after_three{.failure_threshold = 3, .recovery_timeout = 60s};

}  // namespace

TEST_CASE("an open circuit whose keys were all evicted stays open, in the same generation and without a transition") {
  Fleet fleet;
  const auto open = fleet.a.fail();
  evict_everything(fleet.redis);
  const auto after = fleet.a.tick();
  CHECK(after.state == State::open);
  CHECK(after.generation == open.generation);
  CHECK(after.wait > 50s);
  CHECK(transitions_in(after).empty());
  CHECK(after.forgotten);
  CHECK(fleet.state() == "open");
  CHECK_FALSE(fleet.a.tick().forgotten);
}

TEST_CASE("failures that were counted before an eviction still count") {
  Fleet fleet(after_three);
  fleet.a.fail();
  fleet.a.fail();
  SUBCASE("all keys are gone") { evict_everything(fleet.redis); }
  SUBCASE("the count is gone") { evict(fleet.redis, {"cb:x:failures"}); }
  SUBCASE("the hash is gone") { evict(fleet.redis, {"cb:x:breaker"}); }
  SUBCASE("the state is gone") { evict(fleet.redis, {"cb:x:state"}); }
  CHECK(fleet.a.fail().state == State::open);
}

TEST_CASE("a result counts for the generation that admitted the call, also across an eviction") {
  Fleet fleet;
  const auto permit = fleet.a.acquire();
  evict_everything(fleet.redis);
  const auto settled = fleet.a.settle(permit, Outcome::failure);
  CHECK(settled.replies.front().kind == Reply::Kind::settled);
  CHECK(settled.state == State::open);
}

TEST_CASE("an open circuit that loses one of its keys to an eviction stays open, and its break does not start again") {
  for (const std::string key : {"state", "failures", "last_failure", "breaker"}) {
    CAPTURE(key);
    Fleet fleet;
    const auto open = fleet.a.fail();
    evict(fleet.redis, {"cb:x:" + key});
    const auto after = fleet.a.tick();
    CHECK(after.state == State::open);
    CHECK(after.generation == open.generation);
    CHECK(after.wait <= open.wait);
    CHECK(transitions_in(after).empty());
    CHECK(fleet.state() == "open");
    if (key != "breaker") CHECK(fleet.redis.cli({"EXISTS", "cb:x:" + key}) == "1");
  }
}

TEST_CASE("an evicted last_failure is not the failure of another program's probe") {
  Fleet fleet({.failure_threshold = 1, .recovery_timeout = 1ms});
  fleet.a.fail();
  REQUIRE(eventually([&] { return fleet.a.tick().wait.count() == 0; }));
  evict(fleet.redis, {"cb:x:last_failure"});
  CHECK(transitions_in(fleet.a.tick()).empty());
  CHECK(fleet.a.acquire().replies.front().permit.probe == 1);
}

TEST_CASE("evicted leases are still held: no second probe, and the probe's success closes the circuit") {
  Fleet fleet({.failure_threshold = 1, .recovery_timeout = 1ms, .probe_timeout = 1min});
  fleet.a.fail();
  REQUIRE(eventually([&] { return fleet.a.tick().wait.count() == 0; }));
  const auto probe = fleet.a.acquire();
  REQUIRE(probe.replies.front().permit.probe == 1);
  evict(fleet.redis, {"cb:x:probes"});
  CHECK(fleet.b.acquire().replies.front().kind == Reply::Kind::rejected);
  CHECK(fleet.a.settle(probe, Outcome::success).state == State::closed);
}

TEST_CASE("evicted leases last as long as their instance had given them, whatever the settings of another one") {
  Policy policy{.failure_threshold = 1, .recovery_timeout = 1ms, .probe_timeout = 1min};
  Fleet fleet(policy);
  fleet.a.fail();
  REQUIRE(eventually([&] { return fleet.a.tick().wait.count() == 0; }));
  fleet.a.acquire();
  evict(fleet.redis, {"cb:x:probes"});
  policy.probe_timeout = 5s;
  RedisStore script_of_another(fleet.redis.client, policy, "another");
  Caller another(script_of_another);
  CHECK(another.tick().wait > 50s);
}

TEST_CASE("a half-open circuit whose keys were all evicted waits for its probe before it sends another one") {
  Fleet fleet({.failure_threshold = 1, .recovery_timeout = 1ms, .probe_timeout = 1min});
  fleet.a.fail();
  REQUIRE(eventually([&] { return fleet.a.tick().wait.count() == 0; }));
  fleet.a.acquire();
  REQUIRE(fleet.b.acquire().replies.front().kind == Reply::Kind::rejected);
  evict_everything(fleet.redis);
  const auto after = fleet.b.acquire();
  CHECK(after.replies.front().kind == Reply::Kind::rejected);
  CHECK(after.wait > 50s);
}

TEST_CASE("a half-open circuit without a probe under way is probed after an eviction, not closed") {
  Fleet fleet({.failure_threshold = 1, .recovery_timeout = 1ms});
  fleet.a.fail();
  REQUIRE(eventually([&] { return fleet.a.tick().wait.count() == 0; }));
  fleet.a.settle(fleet.a.acquire(), Outcome::ignored);
  evict_everything(fleet.redis);
  CHECK(fleet.a.acquire().replies.front().permit.probe == 1);
}

TEST_CASE("a window that was evicted starts again; nothing else changes") {
  Fleet fleet({.failure_threshold = 0, .failure_rate_threshold = 0.5, .minimum_number_of_calls = 2});
  const auto closed = fleet.a.fail();
  evict(fleet.redis, {"cb:x:window"});
  CHECK(fleet.a.tick().generation == closed.generation);
  CHECK(fleet.a.fail().state == State::closed);
  CHECK(fleet.a.fail().state == State::open);
}

TEST_CASE("an override survives eviction, with actor, reason and end") {
  for (const Mode mode : {Mode::forced_open, Mode::forced_closed, Mode::disabled, Mode::metrics_only}) {
    for (const bool only_hash : {false, true}) {
      for (const auto lasts : {0ms, std::chrono::milliseconds(1h)}) {
        CAPTURE(to_text(mode));
        CAPTURE(only_hash);
        CAPTURE(lasts.count());
        Fleet fleet;
        fleet.a.acquire();
        fleet.a.apply(mode, lasts);
        if (only_hash) evict(fleet.redis, {"cb:x:breaker"});
        if (!only_hash) evict_everything(fleet.redis);
        const auto after = fleet.a.tick();
        CHECK(after.active_override == Override{mode, "ann", "deploying"});
        CHECK(after.override_until.has_value() == (lasts > 0ms));
        if (lasts > 0ms) CHECK(*after.override_until - after.now > 59min);
        CHECK(after.state == (mode == Mode::forced_open ? State::open : State::closed));
        CHECK(transitions_in(after).empty());
      }
    }
  }
}

TEST_CASE("an override survives even if an instance that did not know it meets the eviction first") {
  Fleet fleet;
  fleet.a.acquire();
  fleet.a.apply(Mode::forced_open);
  SUBCASE("of all keys") { evict_everything(fleet.redis); }
  SUBCASE("of the hash") { evict(fleet.redis, {"cb:x:breaker"}); }
  fleet.b.acquire();
  CHECK(fleet.a.tick().active_override.mode == Mode::forced_open);
  CHECK(fleet.b.acquire().replies.front().kind == Reply::Kind::rejected);
}

TEST_CASE("of two instances the one that knows the later state decides what is restored, in either order") {
  Fleet fleet;
  const auto closed = fleet.a.acquire();
  fleet.b.acquire();
  const auto open = fleet.b.settle(closed, Outcome::failure);
  REQUIRE(open.state == State::open);
  evict_everything(fleet.redis);
  SUBCASE("the earlier one first") {
    fleet.a.acquire();
    CHECK(fleet.b.tick().state == State::open);
  }
  SUBCASE("the later one first") { fleet.b.tick(); }
  CHECK(fleet.a.tick().state == State::open);
  CHECK(fleet.state() == "open");
}

TEST_CASE("an open circuit whose keys expired at once, as Redis's clock leapt, does not close without a probe") {
  for (const bool forced : {false, true}) {
    for (const bool newcomer_first : {false, true}) {
      CAPTURE(forced);
      CAPTURE(newcomer_first);
      TestRedis redis;
      HeldClock clock(redis);
      RedisStore script(redis.client, one_failure, "tester", clock.script());
      Caller a(script), b(script);
      a.fail();
      if (forced) a.apply(Mode::forced_open);
      for (const std::string& key : keys_of_breakers(redis)) redis.cli({"PEXPIRE", key, "1"});
      REQUIRE(eventually([&] { return keys_of_breakers(redis).empty(); }));
      clock.advance(48h);
      if (newcomer_first) b.acquire();
      CHECK(a.acquire().replies.front().kind == Reply::Kind::rejected);
      CHECK(b.acquire().replies.front().kind == Reply::Kind::rejected);
    }
  }
}

TEST_CASE("what a person deletes is a reset, also on a server that has evicted keys before") {
  const std::vector<std::vector<std::string>> deletions{
      {"FLUSHALL"},
      {"FLUSHDB"},
      {"DEL", "cb:x:state"},
      {"UNLINK", "cb:x:state", "cb:x:failures", "cb:x:last_failure", "cb:x:breaker"},
      {"SET", "cb:x:state", "closed"}};
  for (const auto& deletion : deletions) {
    CAPTURE(deletion[0]);
    Fleet fleet;
    fleet.a.fail();
    evict_everything(fleet.redis);
    REQUIRE(fleet.a.tick().state == State::open);
    fleet.redis.cli(deletion);
    CHECK(fleet.a.tick().state == State::closed);
    CHECK(fleet.state() == "closed");
  }
}

TEST_CASE("FLUSHALL is a reset even while the server evicts keys; a deletion meanwhile is taken for an eviction") {
  Fleet fleet;
  fleet.a.fail();
  fleet.redis.cli({"MSET", "other:1", "1", "other:2", "1", "other:3", "1", "other:4", "1"});
  for (const char* key : {"other:1", "other:2", "other:3", "other:4"}) fleet.redis.cli({"EXPIRE", key, "9999"});
  evict(fleet.redis, {"other:1", "other:2", "other:3", "other:4"});
  SUBCASE("flushed") {
    fleet.redis.cli({"FLUSHALL"});
    CHECK(fleet.a.tick().state == State::closed);
  }
  SUBCASE("deleted") {
    fleet.redis.cli({"DEL", "cb:x:state", "cb:x:failures", "cb:x:last_failure", "cb:x:breaker"});
    CHECK(fleet.a.tick().state == State::open);
  }
}

TEST_CASE("a healthy circuit that was evicted is not stored again before its next failure") {
  Fleet fleet;
  const auto closed = fleet.a.acquire();
  evict_everything(fleet.redis);
  const auto after = fleet.a.tick();
  CHECK(after.generation == closed.generation);
  CHECK_FALSE(after.forgotten);
  CHECK(keys_of_breakers(fleet.redis).empty());
  CHECK(fleet.a.settle(closed, Outcome::failure).state == State::open);
}

// Each check, every 750 ms, looks for the breaker that comes first, and pings.
TEST_CASE("a healthy circuit that was evicted makes no other view stale") {
  CHECK(happens_before_any_poll([] {
    TestRedis redis;
    const auto group = redis_group(redis.client, one_failure);
    FallbackBreaker first(group, {"a"}), other(group, {"x"});
    const auto call = [](Breaker& breaker) { std::get<Permit>(breaker.acquire()).settle(Outcome::success); };
    call(first);
    call(other);
    REQUIRE(eventually([&] { return other.view().is_fresh(); }));
    evict(redis, {"cb:a:state", "cb:a:failures", "cb:a:breaker"});
    const auto wait_for_checks = [&](long count) {
      const long before = calls_of(redis, "ping");
      REQUIRE(eventually([&] { return call(other), calls_of(redis, "ping") >= before + count; }));
    };
    wait_for_checks(2);  // the second one began after the eviction
    const uint64_t version = other.view().version();
    wait_for_checks(2);
    CHECK(redis.cli({"EXISTS", "cb:a:breaker"}) == "0");
    return other.view().version() == version;
  }));
}

TEST_CASE("a Redis that forgets a breaker three times in ten seconds is forgiven, the fourth time it is unfit") {
  LossMeter meter("Redis");
  const Answer kept;
  const Answer forgotten{.forgotten = true};
  TimePoint now{1h};
  const auto is_unfit = [&](const Answer& reply) {
    return std::holds_alternative<StoreTrouble>(meter.judge("x", reply, now));
  };
  for (int i = 0; i < 3; ++i) CHECK_FALSE(is_unfit(forgotten));
  CHECK(is_unfit(forgotten));
  now += 11s;
  CHECK(is_unfit(forgotten));  // it stays unfit until it has kept something
  CHECK_FALSE(is_unfit(kept));
  now += 11s;
  CHECK_FALSE(is_unfit(forgotten));
}

TEST_CASE("an instance restores at most 20 breakers a second, and says so once a minute") {
  LossMeter meter("Redis");
  TimePoint now{1h};
  int restored = 0, lines = 0;
  for (int i = 0; i < 1000; ++i) {
    const std::string name = "x/" + std::to_string(i);
    const auto result = meter.judge(name, Answer{.forgotten = true}, now);
    restored += std::holds_alternative<Answer>(result) ? 1 : 0;
    lines += meter.line_about(name, now).empty() ? 0 : 1;
  }
  CHECK(restored == 20);
  CHECK(lines == 1);
  CHECK_FALSE(meter.line_about("x", now + 61s).empty());
}

TEST_CASE("while Redis keeps evicting everything, instances protect the upstream, and stay calm") {
  TestRedis redis;
  const Policy policy{.failure_threshold = 3, .recovery_timeout = 60s};
  TestInstance a(redis, policy), b(redis, policy);
  a.call(Outcome::success);
  b.call(Outcome::success);
  REQUIRE(a.receives_pushes());
  REQUIRE(b.receives_pushes());
  redis.cli({"CONFIG", "SET", "maxmemory-policy", "allkeys-random"});
  std::atomic<bool> stop{false};
  std::jthread storm([&] {  // Redis is full for a moment, again and again, and so evicts everything
    redis::Client other(redis::parse_url(redis.server.url()), 5s);
    while (!stop) {
      other.command({"CONFIG", "SET", "maxmemory", "1"});
      other.command({"PING"});
      other.command({"CONFIG", "SET", "maxmemory", "0"});
    }
  });
  int reached = 0;
  for (int i = 0; i < 40; ++i) {
    for (TestInstance* instance : {&a, &b}) {
      Admission admission = instance->breaker.acquire();
      if (auto* permit = std::get_if<Permit>(&admission)) {
        ++reached;
        permit->settle(Outcome::failure);
      }
    }
  }
  stop = true;
  storm.join();
  CHECK(reached <= 2 * 3 * 3);
  CHECK(a.transitions().size() + b.transitions().size() <= 10);
}

TEST_CASE("an instance warns once, at its start, if Redis may evict breakers") {
  TestRedis redis;
  redis.cli({"CONFIG", "SET", "maxmemory-policy", "volatile-ttl"});
  TestInstance a(redis, one_failure);
  a.call(Outcome::success);
  REQUIRE(a.receives_pushes());
  REQUIRE(eventually([&] { return !a.troubles().empty(); }));
  redis.cli({"CLIENT", "KILL", "TYPE", "pubsub"});  // it subscribes again
  REQUIRE(eventually([&] { return redis.cli({"PUBSUB", "NUMSUB", "__redis__:invalidate"}).back() == '1'; }));
  REQUIRE(a.troubles().size() == 1);
  CHECK(contains(a.troubles()[0], "maxmemory-policy is volatile-ttl"));
  redis.cli({"CONFIG", "SET", "maxmemory-policy", "noeviction"});
  TestInstance b(redis, one_failure);
  b.call(Outcome::success);
  REQUIRE(b.receives_pushes());
  CHECK(b.troubles().empty());
}
