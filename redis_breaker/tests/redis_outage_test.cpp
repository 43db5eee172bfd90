// Redis slow, down, full, read-only or emptied: no call waits for it twice, none fails, and the fleet's state survives.
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

bool is_local(TestInstance& instance) { return !instance.breaker.detailed_status().store.error.empty(); }
bool is_shared(TestInstance& instance) { return instance.breaker.detailed_status().store.name == "redis"; }

}  // namespace

TEST_CASE("without Redis an instance uses a local breaker, reports it once, and drops it when Redis recovers") {
  TestRedis redis;
  TestInstance a(redis, after_three);
  a.call(Outcome::success);
  kill(redis);
  REQUIRE(eventually([&] { return is_local(a); }));
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
  REQUIRE(eventually([&] { return is_shared(a); }));
  CHECK(a.call(Outcome::failure).state == State::closed);  // local failures are not counted again
  CHECK(a.breaker.status().failures == 1);
  CHECK(redis.cli({"GET", "cb:x:failures"}) == "1");
}

TEST_CASE("a call that was permitted before Redis failed is settled on the local breaker") {
  TestRedis redis;
  TestInstance a(redis, one_failure);
  Permit good = a.permit(), bad = a.permit();
  kill(redis);
  CHECK_FALSE(good.settle(Outcome::success).late);
  CHECK(bad.settle(Outcome::failure).state == State::open);
  CHECK(a.rejected());
}

TEST_CASE("after the local circuit has tripped, results of calls from before the outage are late") {
  TestRedis redis;
  TestInstance a(redis, {.failure_threshold = 1, .recovery_timeout = 50ms});
  std::vector<Permit> before;
  before.push_back(a.permit());
  for (int i = 0; i < 5; ++i) before.push_back(a.permit());
  kill(redis);
  REQUIRE(eventually([&] { return is_local(a); }));
  CHECK(a.call(Outcome::failure).state == State::open);
  REQUIRE(eventually([&] { return a.breaker.status().retry_after.count() == 0; }));
  const size_t transitions = a.transitions().size();
  for (Permit& permit : before) CHECK(permit.settle(&permit == &before[0] ? Outcome::success : Outcome::failure).late);
  CHECK(a.transitions().size() == transitions);
  CHECK(a.count(NoticeKind::late_result) == before.size());
  CHECK(a.count(NoticeKind::rejection) == 0);
  CHECK(a.breaker.detailed_status().late_results == before.size());
  redis.server.restart();
  REQUIRE(eventually([&] { return is_shared(a); }));
  CHECK(a.breaker.detailed_status().late_results == before.size());  // counters do not decrease
}

TEST_CASE("a call that the local breaker admitted and that ends after Redis has recovered is no transition") {
  TestRedis redis;
  TestInstance a(redis, one_failure);
  a.call(Outcome::success);
  kill(redis);
  REQUIRE(eventually([&] { return is_local(a); }));
  Permit local = a.permit();
  redis.server.restart();
  REQUIRE(eventually([&] { return is_shared(a); }));
  const size_t transitions = a.transitions().size();
  local.settle(Outcome::failure);
  CHECK(a.transitions().size() == transitions);
  CHECK(a.breaker.status().state == State::closed);
  CHECK(a.breaker.status().failures == 0);
}

TEST_CASE("a success of a call from before the outage resets the local count") {
  TestRedis redis;
  TestInstance a(redis, after_three);
  Permit slow = a.permit();
  kill(redis);
  for (int i = 0; i < 2; ++i) a.call(Outcome::failure);
  slow.settle(Outcome::success);
  CHECK(a.call(Outcome::failure).state == State::closed);
}

TEST_CASE("failures that an instance saw while Redis was away count again in the next outage, and not for the fleet") {
  TestRedis redis;
  TestInstance a(redis, after_three);
  a.call(Outcome::ignored);
  for (int i = 0; i < 3; ++i) {
    kill(redis);
    REQUIRE(eventually([&] { return is_local(a); }));
    CHECK(a.call(Outcome::failure).state == (i == 2 ? State::open : State::closed));
    redis.server.restart();
    REQUIRE(eventually([&] { return is_shared(a); }));
    CHECK(a.breaker.status().failures == 0);
  }
}

TEST_CASE("a circuit that was open when Redis failed stays open until its break ends") {
  TestRedis redis;
  const Policy policy{.failure_threshold = 1, .recovery_timeout = 2s};
  TestInstance a(redis, policy), b(redis, policy);
  b.call(Outcome::success);
  const auto opened = SteadyClock::now();
  a.call(Outcome::failure);
  REQUIRE(b.sees(State::open));
  kill(redis);
  for (TestInstance* instance : {&a, &b}) {
    REQUIRE(eventually([&] { return is_local(*instance); }));
    CHECK(instance->rejected());
  }
  REQUIRE(eventually([&] { return !b.rejected(); }));
  CHECK(SteadyClock::now() - opened >= 1900ms);
  CHECK(eventually([&] { return b.last_cause() == "local: recovery timeout over"; }));
}

TEST_CASE("an instance starts on a local breaker without Redis, and uses the shared one when Redis is up") {
  TestRedis redis;
  kill(redis);
  TestInstance a(redis, after_three);
  for (int i = 0; i < 3; ++i) a.call(Outcome::failure);
  CHECK(a.rejected());
  redis.server.restart();
  REQUIRE(eventually([&] { return is_shared(a); }));
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
  CHECK(SteadyClock::now() - begun < 2s);  // not as long as it hangs
  begun = SteadyClock::now();
  for (int i = 0; i < 100; ++i) a.call(Outcome::success);
  CHECK(SteadyClock::now() - begun < 100 * 100ms);  // not one deadline per call
  CHECK(is_local(a));
  redis.server.process().send_signal(SIGCONT);
  CHECK(eventually([&] { return is_shared(a); }));
}

TEST_CASE("the synchronizer detects that Redis hangs before any call waits for it") {
  TestRedis redis;
  TestInstance a(redis, after_three, 250ms);
  a.call(Outcome::success);
  REQUIRE(a.receives_pushes());
  const size_t before = a.troubles().size();  // on a stalled machine there may have been trouble before
  redis.server.process().send_signal(SIGSTOP);
  CHECK(eventually([&] { return a.troubles().size() == before + 1; }));
  redis.server.process().send_signal(SIGCONT);
}

TEST_CASE("a reply that arrives after its deadline is not taken for the next one") {
  TestRedis redis;
  TestInstance a(redis, {.failure_threshold = 2, .recovery_timeout = 60s}, 500ms);
  a.call(Outcome::success);
  redis.server.process().send_signal(SIGSTOP);
  a.call(Outcome::failure);
  redis.server.process().send_signal(SIGCONT);
  REQUIRE(eventually([&] { return is_shared(a); }));
  REQUIRE(a.breaker.apply_override({Mode::reset, "ann", ""}, {}).empty());
  CHECK(a.call(Outcome::failure).state == State::closed);
  CHECK(a.call(Outcome::failure).state == State::open);
}

TEST_CASE("a Redis error while a result is recorded is not counted as a failure of the upstream") {
  TestRedis redis;
  TestInstance a(redis, {.failure_threshold = 1, .failure_rate_threshold = 0.5, .recovery_timeout = 60s});
  a.call(Outcome::success);
  redis.cli({"ACL", "SETUSER", "default", "-evalsha", "-eval"});
  a.call(Outcome::success);
  CHECK(eventually([&] { return is_local(a); }));
  redis.cli({"ACL", "SETUSER", "default", "+@all"});
  REQUIRE(eventually([&] { return is_shared(a); }));
  CHECK(a.breaker.status().failures == 0);
  CHECK(a.breaker.status().state == State::closed);
}

TEST_CASE("a Redis that accepts no writes, full or a replica, counts as unavailable") {
  TestRedis redis;
  TestInstance a(redis, after_three);
  a.call(Outcome::success);
  SUBCASE("full") { redis.cli({"CONFIG", "SET", "maxmemory", "1"}); }
  SUBCASE("a replica") { redis.cli({"REPLICAOF", "127.0.0.1", "1"}); }
  a.call(Outcome::failure);
  REQUIRE(eventually([&] { return is_local(a); }));
  for (int i = 0; i < 2; ++i) a.call(Outcome::failure);  // the first failure counted locally too
  CHECK(a.rejected());
  CHECK(a.last_cause() == "local: 3 consecutive failures");
  redis.cli({"CONFIG", "SET", "maxmemory", "0"});
  redis.cli({"REPLICAOF", "NO", "ONE"});
  CHECK(eventually([&] { return is_shared(a); }));
}

// The buffers of the connection that listens take memory too: an attempt without it would succeed, and the next failure
// would be refused.
TEST_CASE("an attempt to return to a full Redis costs what would follow: it subscribes before it writes") {
  TestRedis redis;
  const auto subscriptions = [&] {
    const std::string stats = redis.cli({"INFO", "commandstats"});
    const std::string field = "cmdstat_subscribe:calls=";
    return std::stol(stats.substr(stats.find(field) + field.size()));
  };
  TestInstance a(redis, after_three);
  a.call(Outcome::success);
  REQUIRE(a.receives_pushes());
  redis.cli({"CONFIG", "SET", "maxmemory", "1"});
  a.call(Outcome::failure);
  REQUIRE(eventually([&] { return a.troubles().size() == 1; }));
  const long before = subscriptions();
  CHECK(eventually([&] { return subscriptions() >= before + 2; }));
  CHECK(is_local(a));
}

TEST_CASE("a wrong password is reported in one clear line, and calls use a local breaker") {
  TestRedis redis;
  redis.cli({"CONFIG", "SET", "requirepass", "right-one"});
  redis::Address address = redis::parse_url(redis.server.url());
  address.password = "wrong-one";
  redis::Client refused(address, 5s);
  std::mutex mutex;
  std::vector<std::string> troubles;  // guarded by mutex
  FallbackBreaker breaker(redis_group(refused, one_failure,
                                      [&](const Notice& notice) {
                                        const std::scoped_lock lock(mutex);
                                        if (notice.kind == NoticeKind::store_trouble)
                                          troubles.emplace_back(notice.cause);
                                      }),
                          {"x"});
  const auto lines = [&] {
    const std::scoped_lock lock(mutex);
    return troubles;
  };
  std::get<Permit>(breaker.acquire()).settle(Outcome::failure);
  CHECK(std::holds_alternative<Rejection>(breaker.acquire()));
  REQUIRE(eventually([&] { return !lines().empty(); }));
  REQUIRE(lines().size() == 1);
  CHECK(contains(lines()[0], "WRONGPASS"));
  CHECK_FALSE(contains(lines()[0], "wrong-one"));
}

TEST_CASE("a subscription that is cut off is renewed, and changes that it missed are fetched") {
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

TEST_CASE("where Redis forbids subscribing, the view is fetched once a second, and the reason is reported") {
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
  // A call that starts later must fetch, however long that takes. (The view's clock is coarse.)
  CHECK(last_admitted - opened < 1020ms);
}

TEST_CASE("keys deleted on the same server are a reset; lost with the server they are restored") {
  TestRedis redis;
  TestInstance a(redis, one_failure);
  a.call(Outcome::failure);
  redis.cli({"FLUSHALL"});
  CHECK(a.sees("state gone: flushed or deleted"));
  CHECK(a.breaker.known_state() == State::closed);
  a.call(Outcome::failure);
  const uint64_t generation = a.breaker.view().word().generation();
  redis.server.restart();
  CHECK(a.sees("state lost: this server did not have it"));
  CHECK(a.breaker.known_state() == State::open);
  CHECK(a.breaker.view().word().generation() > generation);
  CHECK(redis.cli({"GET", "cb:x:state"}) == "open");
  CHECK(a.breaker.status().retry_after > 40s);
}

TEST_CASE("a break is restored even if an instance that did not know it came first") {
  TestRedis redis;
  TestInstance a(redis, one_failure);
  a.call(Outcome::failure);
  redis.server.process().send_signal(SIGKILL);
  REQUIRE(eventually([&] { return is_local(a); }));
  redis.server.restart();
  TestInstance newcomer(redis, one_failure);
  const bool was_first = !newcomer.rejected();
  CAPTURE(was_first);
  CHECK(newcomer.sees(State::open));
  CHECK(a.sees("state lost: this server did not have it"));
}

TEST_CASE("a break that has ended is not restored: the next call probes") {
  TestRedis redis;
  TestInstance a(redis, {.failure_threshold = 1, .recovery_timeout = 300ms});
  a.call(Outcome::failure);
  kill(redis);
  std::this_thread::sleep_for(400ms);  // the break
  redis.server.restart();
  REQUIRE(eventually([&] { return is_shared(a); }));
  CHECK(a.permit().is_probe());
}

TEST_CASE("while Redis is unavailable an override is refused without waiting") {
  TestRedis redis;
  TestInstance a(redis, one_failure);
  a.call(Outcome::success);
  kill(redis);
  REQUIRE(eventually([&] { return is_local(a); }));
  CHECK_FALSE(a.breaker.apply_override({Mode::forced_open, "ann", ""}, {}).empty());
}

TEST_CASE("an override is active on the local breaker too") {
  TestRedis redis;
  TestInstance a(redis, one_failure);
  REQUIRE(a.breaker.apply_override({Mode::forced_open, "ann", "deploying"}, {}).empty());
  kill(redis);
  REQUIRE(eventually([&] { return is_local(a); }));
  CHECK(a.rejected());
  CHECK(a.breaker.detailed_status().active_override == Override{Mode::forced_open, "ann", "deploying"});
}

TEST_CASE("a Redis user without permission for INFO can use the breaker") {
  TestRedis redis;
  redis.cli({"ACL", "SETUSER", "default", "-info"});
  TestInstance a(redis, one_failure);
  a.call(Outcome::failure);
  CHECK(a.breaker.detailed_status().store.name == "redis");
  CHECK(a.troubles().empty());
}

TEST_CASE("no breaker with failures is evicted, whether Redis has them or only this instance") {
  TestRedis redis;
  TestInstance a(redis, after_three);
  a.call(Outcome::failure);
  CHECK_FALSE(a.breaker.is_evictable(0ms));
  kill(redis);
  REQUIRE(eventually([&] { return is_local(a); }));
  CHECK_FALSE(a.breaker.is_evictable(0ms));
  a.call(Outcome::success);
  CHECK(a.breaker.is_evictable(0ms));
  a.call(Outcome::failure);
  CHECK_FALSE(a.breaker.is_evictable(0ms));
  CHECK(a.breaker.is_evictable(10min));
}
