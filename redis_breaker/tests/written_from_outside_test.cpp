// What other programs write into Redis, by mistake or on purpose, and how the breaker reacts.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "redis_breaker/tests/shared_instance_for_test.hpp"

using namespace cb;
using namespace std::chrono_literals;

TEST_CASE("every instance follows a state written from outside, as one transition") {
  TestRedis redis;
  TestInstance a(redis, one_failure), b(redis, one_failure);
  a.call(Outcome::success);
  b.call(Outcome::success);
  redis.cli({"SET", "cb:x:state", "open"});
  CHECK(a.sees(State::open));
  CHECK(b.sees(State::open));
  CHECK(a.rejected());
  CHECK(b.rejected());
  CHECK(eventually([&] { return a.transitions().size() + b.transitions().size() == 1; }));
  CHECK((a.last_cause() + b.last_cause()) == "written from outside");
  CHECK(a.breaker.status().retry_after > 50s);
  redis.cli({"SET", "cb:x:state", "closed"});
  CHECK(b.sees(State::closed));
  CHECK(b.call(Outcome::success).state == State::closed);
}

TEST_CASE("fleets with different key prefixes share a Redis and no breaker; each follows what is written to its own") {
  TestRedis redis;
  const auto url = redis::parse_url(redis.server.url());
  redis::Client shop_client(url, 5s, "prod:shop"), bank_client(url, 5s, "bank");
  FallbackBreaker shop(redis_group(shop_client, one_failure), {"x"});
  FallbackBreaker bank(redis_group(bank_client, one_failure), {"x"});
  permit(shop).settle(Outcome::failure);
  CHECK(shop.status().state == State::open);
  CHECK(bank.status().state == State::closed);
  CHECK(redis.cli({"GET", "prod:shop:x:state"}) == "open");
  REQUIRE(eventually([&] { return bank.view().is_fresh(); }));
  redis.cli({"SET", "bank:x:state", "open"});
  CHECK(eventually([&] { return bank.known_state() == State::open; }));  // by a push
  CHECK(redis.cli({"KEYS", "cb:*"}).empty());
}

TEST_CASE("a key prefix that could collide, or choose the node of a cluster, is refused by name") {
  const auto refused = [](const std::string& prefix) {
    CHECK_THROWS_WITH_AS(redis::Client({}, 1s, prefix), doctest::Contains("redis_prefix is"), std::invalid_argument);
  };
  for (const char* prefix : {"", "shop:", "{shop}", "shop x"}) refused(prefix);
  refused(std::string(65, 'x'));
}

TEST_CASE("a state written before any instance started is used, not overwritten") {
  TestRedis redis;
  redis.cli({"SET", "cb:x:state", "open"});
  TestInstance a(redis, one_failure);
  CHECK(a.rejected());
  CHECK(redis.cli({"GET", "cb:x:state"}) == "open");
}

TEST_CASE("failures counted by another program count") {
  TestRedis redis;
  TestInstance a(redis, {.failure_threshold = 3, .recovery_timeout = 60s});
  a.call(Outcome::ignored);  // a success may be reported after the failures, and reset them
  redis.cli({"INCR", "cb:x:failures"});
  redis.cli({"INCR", "cb:x:failures"});
  CHECK(a.call(Outcome::failure).state == State::open);
}

TEST_CASE("a half-open state left behind by another program can be probed") {
  TestRedis redis;
  TestInstance a(redis, one_failure);
  a.call(Outcome::success);
  redis.cli({"SET", "cb:x:state", "half_open"});
  CHECK(a.sees(State::half_open));
  Permit probe = a.permit();
  CHECK(probe.is_probe());
  CHECK(probe.settle(Outcome::success).state == State::closed);
}

TEST_CASE("FLUSHALL resets the breaker, no call throws, and results of earlier calls are late") {
  TestRedis redis;
  TestInstance a(redis, one_failure), b(redis, one_failure);
  Permit before = b.permit();
  a.call(Outcome::failure);
  const uint64_t generation = a.breaker.status().generation;
  CHECK(b.sees(State::open));
  redis.cli({"FLUSHALL"});
  CHECK(a.sees(State::closed));
  CHECK(b.sees(State::closed));
  CHECK(a.call(Outcome::success).state == State::closed);
  REQUIRE(eventually([&] { return a.transitions().size() + b.transitions().size() == 2; }));
  std::vector<Transition> all = a.transitions();
  for (const Transition& transition : b.transitions()) all.push_back(transition);
  REQUIRE(all.size() == 2);
  CHECK(all[1].cause == "state gone: flushed or deleted");
  CHECK(a.breaker.status().generation > generation);
  CHECK(before.settle(Outcome::failure).late);
  CHECK(a.breaker.status().state == State::closed);
}

TEST_CASE("deleting only the state key is a reset too") {
  TestRedis redis;
  TestInstance a(redis, one_failure);
  a.call(Outcome::failure);
  redis.cli({"DEL", "cb:x:state"});
  CHECK(a.sees("state deleted from outside"));
  CHECK(a.call(Outcome::success).state == State::closed);
}

TEST_CASE("a state that was rolled back gets a generation that was never used") {
  TestRedis redis;
  TestInstance a(redis, one_failure);
  a.call(Outcome::success);
  const std::string older = redis.cli({"HGET", "cb:x:breaker", "generation"});
  redis.cli({"SET", "cb:x:state", "open"});
  CHECK(a.sees(State::open));
  const uint64_t newest = a.breaker.status().generation;
  redis.cli({"EVAL",
             "redis.call('SET', 'cb:x:state', 'closed') redis.call('HSET', 'cb:x:breaker', 'generation', ARGV[1], "
             "'state', 'closed')",
             "0", older});
  CHECK(a.sees("state lost: it went back to an older one"));
  CHECK(a.breaker.known_state() == State::open);  // its view was newer
  CHECK(a.breaker.status().generation > newest);
}

TEST_CASE("an invalid value is reported with key and value, and replaced by a fresh closed breaker") {
  const std::vector<std::vector<std::string>> invalid{
      {"SET", "cb:x:state", "banana"},
      {"SET", "cb:x:state", ""},
      {"SET", "cb:x:failures", "-1"},
      {"SET", "cb:x:failures", "many"},
      {"SET", "cb:x:failures", "99999999999999999999"},
      {"SET", "cb:x:failures", "1.5"},
      {"HSET", "cb:x:breaker", "generation", "soon"},
      {"HSET", "cb:x:breaker", "open_until", "-7"},
      {"HSET", "cb:x:breaker", "successes", "1e3"},
      {"HSET", "cb:x:breaker", "generation", "9999999999999999"},
      {"SET", "cb:x:last_failure", "banana"},
  };
  TestRedis redis;
  for (const auto& write : invalid) {
    CAPTURE(write);
    redis.cli({"FLUSHALL"});
    TestInstance a(redis, one_failure);
    a.call(Outcome::failure);
    redis.cli(write);
    CHECK(a.sees("repaired: " + write[1] + " held \"" + write.back() + "\""));
    CHECK(a.sees(State::closed));
    CHECK(a.call(Outcome::success).state == State::closed);
    CHECK(redis.cli({"GET", "cb:x:state"}) == "closed");
    CHECK(a.troubles().empty());
  }
}

TEST_CASE("a key of another type is repaired as well") {
  TestRedis redis;
  for (const std::string key : {"state", "failures", "breaker", "probes"}) {
    CAPTURE(key);
    redis.cli({"FLUSHALL"});
    TestInstance a(redis, one_failure);
    a.call(Outcome::failure);
    redis.cli({"EVAL", "redis.call('DEL', KEYS[1]) redis.call('RPUSH', KEYS[1], '1', '2')", "1", "cb:x:" + key});
    CHECK(a.sees(State::closed));
    CHECK(a.call(Outcome::success).state == State::closed);
    CHECK(eventually([&] { return a.last_cause().rfind("repaired: cb:x:" + key, 0) == 0; }));
    CHECK(a.call(Outcome::failure).state == State::open);
  }
}

TEST_CASE("valid fields of the hash survive the repair of another key") {
  TestRedis redis;
  TestInstance a(redis, one_failure);
  a.call(Outcome::failure);
  const std::string epoch = redis.cli({"HGET", "cb:x:breaker", "epoch"});
  CHECK(epoch != "");
  redis.cli({"SET", "cb:x:failures", "banana"});
  CHECK(eventually([&] { return a.breaker.status().state == State::closed; }));
  CHECK(redis.cli({"HGET", "cb:x:breaker", "epoch"}) == epoch);
}

TEST_CASE("after a repair the breaker counts as before") {
  TestRedis redis;
  TestInstance a(redis, {.failure_threshold = 3, .recovery_timeout = 60s});
  a.call(Outcome::success);
  redis.cli({"HSET", "cb:x:breaker", "generation", "9999999999999999"});
  a.breaker.status();
  for (int i = 0; i < 3; ++i) a.call(Outcome::failure);
  CHECK(a.breaker.status().state == State::open);
}

TEST_CASE("the largest possible failure count opens the circuit, and it stays open") {
  TestRedis redis;
  TestInstance a(redis, {.failure_threshold = 3, .recovery_timeout = 60s});
  a.call(Outcome::success);
  redis.cli({"SET", "cb:x:failures", "999999999"});
  CHECK(a.call(Outcome::failure).state == State::open);
  CHECK(a.rejected());
}

TEST_CASE("non-printable bytes are shown as question marks") {
  TestRedis redis;
  TestInstance a(redis, one_failure);
  redis.cli({"SET", "cb:x:state", "\xff\n\x1b[31m"});
  a.call(Outcome::success);
  CHECK(a.sees("repaired: cb:x:state held \"???[31m\""));
}

TEST_CASE("setting Redis's clock back lengthens no break and no lease") {
  TestRedis redis;
  TestInstance a(redis, {.failure_threshold = 1, .recovery_timeout = 10s, .probe_timeout = 5s});
  a.call(Outcome::failure);
  redis.cli({"HSET", "cb:x:breaker", "open_until", "8000000000000000"});
  CHECK(a.rejected());
  CHECK(a.breaker.status().retry_after <= 10s);
  redis.cli({"SET", "cb:x:state", "half_open"});
  CHECK(a.sees(State::half_open));
  redis.cli({"ZADD", "cb:x:probes", "8000000000000000", "7"});
  CHECK(a.rejected());  // that lease is kept, but not for long
  const auto deadline = std::chrono::microseconds(std::stoll(redis.cli({"ZSCORE", "cb:x:probes", "7"})));
  CHECK(deadline < std::chrono::system_clock::now().time_since_epoch() + 10s);
}

TEST_CASE("a failed probe of another program starts a new break; its late failures do not lengthen one") {
  TestRedis redis;
  const Policy policy{.failure_threshold = 1, .recovery_timeout = 1s};
  TestInstance a(redis, policy);
  a.call(Outcome::failure);
  redis.cli({"SET", "cb:x:last_failure", "1"});    // during the break: a late failure
  CHECK(a.breaker.status().state == State::open);  // the script has seen the change
  CHECK(a.rejected());
  CHECK(a.transitions().size() == 1);
  wait_for_recovery(a);
  redis.cli({"SET", "cb:x:last_failure", "2"});  // after it, with the state open again: a failed probe
  CHECK(a.sees("written from outside"));
  CHECK(a.rejected());
  wait_for_recovery(a);
  CHECK(a.permit().is_probe());
}

TEST_CASE("a closed state written after a flush is reported as a transition from open") {
  TestRedis redis;
  TestInstance a(redis, one_failure);
  a.call(Outcome::failure);
  redis.cli({"MULTI"});
  redis.cli({"FLUSHALL"});
  redis.cli({"SET", "cb:x:state", "closed"});
  redis.cli({"EXEC"});
  CHECK(a.sees("written from outside"));
  CHECK(a.call(Outcome::success).state == State::closed);
  CHECK(a.transitions().back().from == State::open);
}

TEST_CASE("an open circuit whose hash was evicted starts a new break") {
  TestRedis redis;
  TestInstance a(redis, one_failure);
  a.call(Outcome::failure);
  redis.cli({"DEL", "cb:x:breaker"});
  CHECK(a.sees("written from outside"));
  CHECK(redis.cli({"HEXISTS", "cb:x:breaker", "open_until"}) == "1");
  CHECK(a.breaker.status().retry_after > 50s);
  CHECK(a.rejected());
}

TEST_CASE("a long invalid value is reported in part") {
  TestRedis redis;
  TestInstance a(redis, one_failure);
  redis.cli({"SET", "cb:x:state", std::string(100'000, 'b')});
  a.call(Outcome::success);
  REQUIRE(eventually([&] { return !a.last_cause().empty(); }));
  CHECK(a.last_cause().size() < 100);
}

TEST_CASE("a megabyte of garbage in any key is repaired at once, without blocking Redis") {
  TestRedis redis;
  Policy policy = one_failure;
  policy.failure_rate_threshold = 0.5;
  TestInstance a(redis, policy);
  const std::string digits(1'000'000, '1');
  for (const char* key : {"state", "failures", "last_failure", "window"}) {
    CAPTURE(key);
    a.call(Outcome::success);
    redis.cli({"SET", std::string("cb:x:") + key, digits + "x"});
    const auto begun = std::chrono::steady_clock::now();
    CHECK(a.breaker.status().state == State::closed);
    CHECK(std::chrono::steady_clock::now() - begun < 2s);
    CHECK(eventually([&] { return a.last_cause().find(std::string("repaired: cb:x:") + key) == 0; }));
  }
  for (const char* field : {"actor", "reason", "generation"}) {
    CAPTURE(field);
    const size_t before = a.transitions().size();
    redis.cli({"HSET", "cb:x:breaker", field, digits});
    CHECK(a.breaker.status().state == State::closed);
    CHECK(eventually([&] { return a.transitions().size() > before; }));
    CHECK(a.last_cause().find("repaired: cb:x:breaker") == 0);
  }
}

TEST_CASE("a generation close to its limit does not switch protection off") {
  TestRedis redis;
  TestInstance a(redis, one_failure), b(redis, one_failure);
  a.call(Outcome::success);
  redis.cli({"HSET", "cb:x:breaker", "generation", "8999999999999998"});
  a.breaker.status();
  CHECK(a.call(Outcome::failure).state == State::open);
  CHECK(b.sees(State::open));
  CHECK(b.rejected());
  CHECK(a.breaker.apply_override({Mode::reset, "ann", ""}, {}).empty());
  CHECK(b.sees(State::closed));
  CHECK(b.call(Outcome::failure).state == State::open);
  CHECK(a.sees(State::open));
  CHECK(a.rejected());
}
