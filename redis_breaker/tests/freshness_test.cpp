// One second is the bound: whatever happens to the server, its address or its database, no call is answered from a
// state that is older than that. Each test moves the data from under an instance whose connections all stay up.
#include <doctest/doctest.h>

#include <chrono>
#include <string>

#include "program/processes/tcp_proxy.hpp"
#include "redis_breaker/script/redis_store.hpp"
#include "redis_breaker/tests/shared_instance_for_test.hpp"

using namespace cb;
using namespace std::chrono_literals;

namespace {

using SteadyClock = std::chrono::steady_clock;

std::string url_of(const program::TcpProxy& proxy) { return "redis://127.0.0.1:" + std::to_string(proxy.port()); }

// An instance that has called, and whose view is kept fresh by pushes.
void settle_in(TestInstance& instance) {
  instance.call(Outcome::success);
  REQUIRE(instance.receives_pushes());
}

}  // namespace

TEST_CASE("behind a moved address, a trip at the new server rejects every call after a second, at every trip") {
  TestRedis old_server, new_server;
  program::TcpProxy address(old_server.server.port());
  TestInstance a(url_of(address), one_failure);
  settle_in(a);
  address.lead_to(new_server.server.port());
  TestInstance b(url_of(address), one_failure);
  for (int trip = 0; trip < 2; ++trip) {
    CAPTURE(trip);
    REQUIRE(b.breaker.apply_override({Mode::reset, "ann", ""}, {}).empty());
    if (trip > 0) REQUIRE(a.sees(State::closed));
    b.call(Outcome::failure);
    const auto tripped = SteadyClock::now();
    const auto admitted = admitted_until(a.breaker, tripped);
    MESSAGE("admitted until " << admitted.count() << " ms after the trip");
    CHECK(admitted < bound_of_freshness);
  }
}

TEST_CASE("an address that moves back and forth is followed") {
  TestRedis first, second;
  program::TcpProxy address(first.server.port());
  TestInstance a(url_of(address), one_failure);
  settle_in(a);
  for (TestRedis* now : {&second, &first, &second}) {
    address.lead_to(now->server.port());
    now->cli({"SET", "cb:x:state", "open"});
    CHECK(admitted_until(a.breaker, SteadyClock::now()) < bound_of_freshness);
    now->cli({"SET", "cb:x:state", "closed"});
    CHECK(a.sees(State::closed));
  }
}

TEST_CASE("after SWAPDB, a circuit that is open in the other database rejects every call after a second") {
  TestRedis redis;
  redis::Client other(redis::parse_url("redis://127.0.0.1:" + std::to_string(redis.server.port()) + "/1"), 5s);
  const auto open_in_the_other = [&] { return other.command({"SET", "cb:c:state", "open"}).error(); };
  SUBCASE("written before the instance started") { REQUIRE(open_in_the_other() == ""); }
  const auto group = redis_group(redis.client, one_failure);
  FallbackBreaker unused(group, {"a"}), used(group, {"b"}), open_there(group, {"c"});
  for (FallbackBreaker* breaker : {&used, &open_there}) permit(*breaker).settle(Outcome::success);
  REQUIRE(eventually([&] { return open_there.view().is_fresh() || (open_there.status(), false); }));
  // A ping comes after the views that a new session fetches. A breaker that is fetched between SWAPDB and the check
  // would be known to the other database, and the check would find nothing.
  REQUIRE(eventually([&] { return contains(redis.cli({"INFO", "commandstats"}), "cmdstat_ping:"); }));
  SUBCASE("written meanwhile") { REQUIRE(open_in_the_other() == ""); }
  SUBCASE("opened meanwhile by instances that use that database") {
    FallbackBreaker there(redis_group(other, one_failure), {"c"});
    permit(there).settle(Outcome::failure);
  }
  redis.cli({"SWAPDB", "0", "1"});
  const auto admitted = admitted_until(open_there, SteadyClock::now());
  MESSAGE("admitted until " << admitted.count() << " ms after SWAPDB");
  CHECK(admitted < bound_of_freshness);
}

TEST_CASE("instances that use another database of the same server have another breaker of the same name") {
  TestRedis redis;
  const auto in_database = [&](const std::string& number) {
    return "redis://127.0.0.1:" + std::to_string(redis.server.port()) + "/" + number;
  };
  const Policy policy{.failure_threshold = 2, .recovery_timeout = 60s};
  TestInstance a(in_database("0"), policy), b(in_database("1"), policy), neighbour(in_database("1"), policy);
  for (TestInstance* each : {&a, &b, &neighbour}) {
    each->call(Outcome::success);
    REQUIRE(each->receives_pushes());
  }
  const auto known = [&] { return a.breaker.view().word(); };
  const uint64_t generation = known().generation();
  Permit began_before = a.permit();
  b.call(Outcome::failure);
  b.call(Outcome::failure);
  CHECK(neighbour.sees(State::open));
  TestInstance later(in_database("0"), policy);
  later.call(Outcome::failure);
  REQUIRE(eventually([&] { return known().reports_successes(); }));
  CHECK_FALSE(a.rejected());
  CHECK_FALSE(began_before.settle(Outcome::success).late);
  CHECK(known().generation() == generation);
  CHECK(b.rejected());
}

TEST_CASE("a server that becomes a read-only replica is unavailable, though it answers every ping") {
  TestRedis redis, master;
  TestInstance a(redis, one_failure);
  settle_in(a);
  redis.cli({"REPLICAOF", "127.0.0.1", std::to_string(master.server.port())});
  CHECK(eventually([&] { return !a.troubles().empty(); }));  // without a call
  REQUIRE(!a.troubles().empty());
  CHECK(contains(a.troubles()[0], "is a read-only replica"));
  redis.cli({"REPLICAOF", "NO", "ONE"});
  CHECK(eventually([&] { return a.breaker.detailed_status().store.name == "redis"; }));
}

TEST_CASE("connections that died silently are found out without a call, and cost no outage") {
  TestRedis redis;
  program::TcpProxy address(redis.server.port());
  TestInstance a(url_of(address), one_failure, 1s);
  settle_in(a);
  address.swallow_everything();
  redis.cli({"SET", "cb:x:state", "open"});
  const auto written = SteadyClock::now();
  CHECK(a.sees(State::open));
  MESSAGE("seen after " << std::chrono::duration_cast<std::chrono::milliseconds>(SteadyClock::now() - written).count()
                        << " ms");
  CHECK(a.troubles().empty());
}

TEST_CASE("thirty connections that died silently cost one time-out, and not half a minute") {
  TestRedis redis;
  program::TcpProxy address(redis.server.port());
  TestInstance a(url_of(address), {.failure_threshold = 1'000'000}, 250ms);
  settle_in(a);
  REQUIRE(eventually([&] {
    std::vector<std::jthread> callers;
    for (int i = 0; i < 60; ++i) callers.emplace_back([&] { a.client->command({"BLPOP", "nothing", "0.1"}); });
    callers.clear();
    return address.connections() >= 31;
  }));
  address.swallow_everything();
  const auto died = SteadyClock::now();
  std::get<Permit>(a.breaker.acquire()).settle(Outcome::failure);
  CHECK(eventually([&] { return a.breaker.detailed_status().store.name == "redis"; }));
  const std::chrono::duration<double> away = SteadyClock::now() - died;
  MESSAGE("back after " << away.count() << " s");
  CHECK(away < 10s);  // 2.5 s on a machine that is not busy
}

TEST_CASE("a feed without an answer in time breaks; one that reads the answer late does not") {
  TestRedis redis;
  program::TcpProxy address(redis.server.port());
  redis::Client client(redis::parse_url(url_of(address)), 300ms);
  RedisStore store(client, {}, "tester");
  const auto feed = store.watch(0, {"x"});
  REQUIRE(feed->error() == "");
  bool is_silent = false;
  SUBCASE("no answer") { is_silent = true; }
  SUBCASE("a late reader") {}
  if (is_silent) address.swallow_everything();
  REQUIRE(feed->check("x").is_reachable);
  program::wait_until("the answer is due", [&] { return SteadyClock::now() >= feed->due(); });
  CHECK(feed->take().confirmed_at.has_value() != is_silent);
  CHECK(feed->error() == (is_silent ? "no answer in time" : ""));
}
