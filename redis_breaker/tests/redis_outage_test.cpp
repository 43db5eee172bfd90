// Redis sick, gone, or not what it was: no call waits for it twice, none fails, and what the fleet knows is not lost.
#include <doctest/doctest.h>

#include <chrono>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "redis_breaker/tests/shared_instance_for_test.hpp"

using namespace cb;
using namespace std::chrono_literals;

namespace {

using SteadyClock = std::chrono::steady_clock;

const Policy after_three{.failure_threshold = 3, .recovery_timeout = 60s};

void kill(TestRedis& redis) {
  redis.server.process().send_signal(SIGKILL);
  redis.server.process().wait(5s);
}

bool is_away(TestInstance& instance) { return !instance.breaker.detailed_status().store.error.empty(); }
bool is_joined(TestInstance& instance) { return instance.breaker.detailed_status().store.name == "redis"; }

}  // namespace

TEST_CASE("without Redis an instance goes on with a local breaker, says so once, and forgets it when Redis is back") {
  TestRedis redis;
  TestInstance a(redis, after_three);
  a.call(Outcome::success);
  kill(redis);
  REQUIRE(eventually([&] { return is_away(a); }));
  for (int i = 0; i < 3; ++i) a.call(Outcome::failure);
  CHECK(a.rejected());
  CHECK(a.last_cause() == "local: 3 consecutive failures");
  const DetailedStatus status = a.breaker.detailed_status();
  CHECK(status.store.name == "local");
  CHECK(status.state == State::open);
  CHECK(status.store.local_calls == 4);
  CHECK(status.store.error.find("redis://127.0.0.1:") == 0);
  CHECK(eventually([&] { return a.troubles().size() == 1; }));
  redis.server.restart();
  REQUIRE(eventually([&] { return is_joined(a); }));
  CHECK(a.call(Outcome::failure).state == State::closed);  // what it counted while away is not counted again
  CHECK(a.breaker.status().failures == 1);
  CHECK(redis.cli({"GET", "cb:x:failures"}) == "1");
}

TEST_CASE("a call that was permitted before Redis went is settled, and its failure counts where it can") {
  TestRedis redis;
  TestInstance a(redis, one_failure);
  Permit good = a.permit(), bad = a.permit();
  kill(redis);
  CHECK_FALSE(good.settle(Outcome::success).late);
  CHECK(bad.settle(Outcome::failure).state == State::open);
  CHECK(a.rejected());
}

TEST_CASE("what was open when Redis went stays open, for as long as it was to be") {
  TestRedis redis;
  const Policy policy{.failure_threshold = 1, .recovery_timeout = 2s};
  TestInstance a(redis, policy), b(redis, policy);
  b.call(Outcome::success);
  const auto opened = SteadyClock::now();
  a.call(Outcome::failure);
  REQUIRE(b.sees(State::open));
  kill(redis);
  for (TestInstance* instance : {&a, &b}) {
    REQUIRE(eventually([&] { return is_away(*instance); }));
    CHECK(instance->rejected());
  }
  REQUIRE(eventually([&] { return !b.rejected(); }));
  CHECK(SteadyClock::now() - opened >= 1900ms);
  CHECK(eventually([&] { return b.last_cause() == "local: recovery timeout over"; }));
}

TEST_CASE("an instance starts without Redis on a local breaker, and joins when Redis comes") {
  TestRedis redis;
  kill(redis);
  TestInstance a(redis, after_three);
  for (int i = 0; i < 3; ++i) a.call(Outcome::failure);
  CHECK(a.rejected());
  redis.server.restart();
  REQUIRE(eventually([&] { return is_joined(a); }));
  CHECK(a.call(Outcome::success).state == State::closed);
}

TEST_CASE("a Redis that hangs costs one call its deadline, and the calls after it nothing") {
  TestRedis redis;
  TestInstance a(redis, after_three, 100ms);
  a.call(Outcome::success);
  REQUIRE(a.receives_pushes());
  redis.server.process().send_signal(SIGSTOP);
  auto begun = SteadyClock::now();
  a.call(Outcome::failure);
  CHECK(SteadyClock::now() - begun < 2s);  // not for as long as it hangs
  begun = SteadyClock::now();
  for (int i = 0; i < 100; ++i) a.call(Outcome::success);
  CHECK(SteadyClock::now() - begun < 100 * 100ms);  // not a deadline each
  CHECK(is_away(a));
  redis.server.process().send_signal(SIGCONT);
  CHECK(eventually([&] { return is_joined(a); }));
}

TEST_CASE("that Redis hangs is found out without a call's having to wait for it") {
  TestRedis redis;
  TestInstance a(redis, after_three, 500ms);
  a.call(Outcome::success);
  REQUIRE(a.receives_pushes());
  const size_t before = a.troubles().size();  // a machine that stands still for long is trouble too
  redis.server.process().send_signal(SIGSTOP);
  CHECK(eventually([&] { return a.troubles().size() == before + 1; }));
  redis.server.process().send_signal(SIGCONT);
}

TEST_CASE("an answer that comes after its deadline is not taken for the next one") {
  TestRedis redis;
  TestInstance a(redis, {.failure_threshold = 2, .recovery_timeout = 60s}, 1s);
  a.call(Outcome::success);
  redis.server.process().send_signal(SIGSTOP);
  a.call(Outcome::failure);
  redis.server.process().send_signal(SIGCONT);
  REQUIRE(eventually([&] { return is_joined(a); }));
  REQUIRE(a.breaker.apply_override({Mode::reset, "ann", ""}, {}).empty());
  CHECK(a.call(Outcome::failure).state == State::closed);
  CHECK(a.call(Outcome::failure).state == State::open);
}

TEST_CASE("trouble while a result is recorded is not recorded as a failure of the upstream") {
  TestRedis redis;
  TestInstance a(redis, {.failure_threshold = 1, .failure_rate_threshold = 0.5, .recovery_timeout = 60s});
  a.call(Outcome::success);
  redis.cli({"ACL", "SETUSER", "default", "-evalsha", "-eval"});
  a.call(Outcome::success);
  CHECK(eventually([&] { return is_away(a); }));
  redis.cli({"ACL", "SETUSER", "default", "+@all"});
  REQUIRE(eventually([&] { return is_joined(a); }));
  CHECK(a.breaker.status().failures == 0);
  CHECK(a.breaker.status().state == State::closed);
}

TEST_CASE("a Redis that takes no writes is no Redis: it is full, or a replica") {
  TestRedis redis;
  TestInstance a(redis, after_three);
  a.call(Outcome::success);
  SUBCASE("full") { redis.cli({"CONFIG", "SET", "maxmemory", "1"}); }
  SUBCASE("a replica") { redis.cli({"REPLICAOF", "127.0.0.1", "1"}); }
  a.call(Outcome::failure);
  REQUIRE(eventually([&] { return is_away(a); }));
  for (int i = 0; i < 2; ++i) a.call(Outcome::failure);  // the first one counted here too
  CHECK(a.rejected());
  CHECK(a.last_cause() == "local: 3 consecutive failures");
  redis.cli({"CONFIG", "SET", "maxmemory", "0"});
  redis.cli({"REPLICAOF", "NO", "ONE"});
  CHECK(eventually([&] { return is_joined(a); }));
}

TEST_CASE("a wrong password is one clear line, and calls are protected locally") {
  TestRedis redis;
  redis.cli({"CONFIG", "SET", "requirepass", "right-one"});
  redis::Address address = redis::parse_url(redis.server.url());
  address.password = "wrong-one";
  redis::Client refused(address, 5s);
  std::mutex mutex;
  std::vector<std::string> told;  // guarded by mutex: a call is refused, and so is the link
  RedisBreaker breaker(refused, "x", one_failure, [&](const Event& event) {
    const std::scoped_lock lock(mutex);
    if (event.kind == EventKind::store_trouble) told.emplace_back(event.cause);
  });
  const auto lines = [&] {
    const std::scoped_lock lock(mutex);
    return told;
  };
  std::get<Permit>(breaker.acquire()).settle(Outcome::failure);
  CHECK(std::holds_alternative<Rejection>(breaker.acquire()));
  REQUIRE(eventually([&] { return !lines().empty(); }));
  REQUIRE(lines().size() == 1);
  CHECK(contains(lines()[0], "WRONGPASS"));
  CHECK_FALSE(contains(lines()[0], "wrong-one"));
}

TEST_CASE("where the subscriber alone is cut off it listens again, and what it missed meanwhile is fetched") {
  TestRedis redis;
  TestInstance a(redis, one_failure), b(redis, one_failure);
  a.call(Outcome::success);
  b.call(Outcome::success);
  REQUIRE(b.receives_pushes());
  for (int i = 0; i < 5; ++i) {
    redis.cli({"CLIENT", "KILL", "TYPE", "pubsub"});
    redis.cli({"SET", "cb:x:state", i % 2 == 0 ? "open" : "closed"});
    const State now = i % 2 == 0 ? State::open : State::closed;
    CHECK(a.sees(now));
    CHECK(b.sees(now));
  }
  CHECK(b.receives_pushes());
  CHECK(a.troubles().empty());
}

TEST_CASE("where Redis lets nobody listen, it is asked once a second instead, and says why") {
  TestRedis redis;
  redis.cli({"ACL", "SETUSER", "default", "-client|tracking"});
  TestInstance a(redis, one_failure), b(redis, one_failure);
  b.call(Outcome::success);
  REQUIRE(eventually([&] { return !b.troubles().empty(); }));
  CHECK(b.troubles()[0].find("no pushes: NOPERM") == 0);
  a.call(Outcome::failure);
  const auto opened = SteadyClock::now();
  auto last_admitted = opened;
  CHECK(eventually([&] {
    const auto begun = SteadyClock::now();
    if (b.rejected()) return true;
    last_admitted = begun;
    return false;
  }));
  // Whoever begins later asks, however long that takes. (The age is told by a clock that is up to 4 ms behind.)
  CHECK(last_admitted - opened < 1010ms);
}

TEST_CASE(
    "keys gone from the same server are a reset; gone with the server they are a loss, and what was open is restored") {
  TestRedis redis;
  TestInstance a(redis, one_failure);
  a.call(Outcome::failure);
  redis.cli({"FLUSHALL"});
  CHECK(a.sees("state gone: flushed, deleted or expired"));
  CHECK(a.breaker.known_state() == State::closed);
  a.call(Outcome::failure);
  const uint64_t generation = a.breaker.known_generation();
  redis.server.restart();
  CHECK(a.sees("state lost: this server did not have it"));
  CHECK(a.breaker.known_state() == State::open);
  CHECK(a.breaker.known_generation() > generation);
  CHECK(redis.cli({"GET", "cb:x:state"}) == "open");
  CHECK(a.breaker.status().retry_after > 40s);
}

TEST_CASE("a break is restored also where an instance that knew nothing came first") {
  TestRedis redis;
  TestInstance a(redis, one_failure);
  a.call(Outcome::failure);
  redis.server.process().send_signal(SIGKILL);
  REQUIRE(eventually([&] { return is_away(a); }));
  redis.server.restart();
  TestInstance newcomer(redis, one_failure);
  const bool came_first = !newcomer.rejected();
  CAPTURE(came_first);
  CHECK(newcomer.sees(State::open));
  CHECK(a.sees("state lost: this server did not have it"));
}

TEST_CASE("a break that is over is not restored: the next call probes") {
  TestRedis redis;
  TestInstance a(redis, {.failure_threshold = 1, .recovery_timeout = 300ms});
  a.call(Outcome::failure);
  kill(redis);
  std::this_thread::sleep_for(400ms);  // the break
  redis.server.restart();
  REQUIRE(eventually([&] { return is_joined(a); }));
  CHECK(a.permit().is_probe());
}

TEST_CASE("while Redis is away an order is refused, not lost, and does not wait") {
  TestRedis redis;
  TestInstance a(redis, one_failure);
  a.call(Outcome::success);
  kill(redis);
  REQUIRE(eventually([&] { return is_away(a); }));
  CHECK_FALSE(a.breaker.apply_override({Mode::forced_open, "ann", ""}, {}).empty());
}

TEST_CASE("an order holds on the local breaker too") {
  TestRedis redis;
  TestInstance a(redis, one_failure);
  REQUIRE(a.breaker.apply_override({Mode::forced_open, "ann", "deploying"}, {}).empty());
  kill(redis);
  REQUIRE(eventually([&] { return is_away(a); }));
  CHECK(a.rejected());
  CHECK(a.breaker.detailed_status().active_override == Override{Mode::forced_open, "ann", "deploying"});
}

TEST_CASE("a user of Redis who may not ask INFO is served") {
  TestRedis redis;
  redis.cli({"ACL", "SETUSER", "default", "-info"});
  TestInstance a(redis, one_failure);
  a.call(Outcome::failure);
  CHECK(a.breaker.detailed_status().store.name == "redis");
  CHECK(a.troubles().empty());
}
