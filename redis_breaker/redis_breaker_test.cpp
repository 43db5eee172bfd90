#include "redis_breaker/redis_breaker.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <sstream>
#include <string>

#include "redis_breaker/shared_instance_for_test.hpp"

using namespace cb;
using namespace std::chrono_literals;

namespace {

using SteadyClock = std::chrono::steady_clock;

}  // namespace

TEST_CASE("instances share the count: three failures seen by three of them open it for all") {
  TestRedis redis;
  const Policy policy{.failure_threshold = 3, .recovery_timeout = 60s};
  Instance a(redis, policy), b(redis, policy), c(redis, policy);
  CHECK(a.call(Outcome::failure).state == State::closed);
  CHECK(b.call(Outcome::failure).state == State::closed);
  CHECK(c.call(Outcome::failure).state == State::open);
  CHECK(a.rejected());
  CHECK(b.rejected());
  CHECK(c.last_cause() == "3 consecutive failures");
  CHECK(a.transitions.size() + b.transitions.size() == 0);
}

TEST_CASE("the three public keys hold what the contract says") {
  TestRedis redis;
  Instance a(redis, one_failure);
  a.call(Outcome::failure);
  CHECK(redis.cli({"GET", "cb:x:state"}) == "open");
  CHECK(redis.cli({"GET", "cb:x:failures"}) == "1");
  const double last_failure = std::stod(redis.cli({"GET", "cb:x:last_failure"}));
  CHECK(last_failure == doctest::Approx(static_cast<double>(time(nullptr))).epsilon(1e-6));
  CHECK(redis.cli({"GET", "cb:x:last_failure"}).find('.') != std::string::npos);
}

TEST_CASE("a healthy call that nothing depends on writes nothing to Redis") {
  TestRedis redis;
  Instance a(redis, one_failure);
  a.call(Outcome::success);
  const std::string before = redis.cli({"INFO", "commandstats"});
  const std::string snapshot = redis.cli({"DUMP", "cb:x:breaker"});
  for (int i = 0; i < 10; ++i) a.call(Outcome::success);
  const std::string after = redis.cli({"INFO", "commandstats"});
  for (const std::string command : {"cmdstat_set:", "cmdstat_hset:", "cmdstat_zadd:", "cmdstat_pexpire:"}) {
    const auto calls_of = [&command](const std::string& stats) {
      const auto at = stats.find(command + "calls=");
      return at == std::string::npos ? "0" : stats.substr(at, stats.find(',', at) - at);
    };
    CHECK(calls_of(before) == calls_of(after));
  }
  CHECK(redis.cli({"DUMP", "cb:x:breaker"}) == snapshot);
}

TEST_CASE("every key expires, long after its last use and not before an open breaker needs it") {
  TestRedis redis;
  Instance a(redis, {.failure_threshold = 1, .recovery_timeout = 48h});
  a.call(Outcome::failure);
  for (const std::string key : {"state", "failures", "last_failure", "breaker"}) {
    CHECK(std::stoll(redis.cli({"PTTL", "cb:x:" + key})) > std::chrono::milliseconds(71h).count());
  }
  redis.cli({"PERSIST", "cb:x:state"});  // as after a foreign SET
  CHECK(a.rejected());
  CHECK(std::stoll(redis.cli({"PTTL", "cb:x:state"})) > 0);
}

TEST_CASE("use keeps the keys alive") {
  TestRedis redis;
  Instance a(redis, one_failure);
  a.call(Outcome::success);
  for (const std::string key : {"state", "failures", "breaker"}) redis.cli({"PEXPIRE", "cb:x:" + key, "1000000"});
  a.call(Outcome::success);
  for (const std::string key : {"state", "failures", "breaker"}) {
    CHECK(std::stoll(redis.cli({"PTTL", "cb:x:" + key})) > std::chrono::milliseconds(23h).count());
  }
}

TEST_CASE("no key outside cb:NAME: is made") {
  TestRedis redis;
  Instance a(redis, {.failure_threshold = 1, .recovery_timeout = 1ms});
  a.call(Outcome::failure);
  wait_for_recovery(a);
  const Permit probe = a.permit();
  std::istringstream keys(redis.cli({"KEYS", "*"}));
  for (std::string key; keys >> key;) CHECK(key.rfind("cb:x:", 0) == 0);
}

TEST_CASE("a script that Redis has forgotten is loaded again without the caller noticing") {
  TestRedis redis;
  Instance a(redis, one_failure);
  a.call(Outcome::success);
  redis.cli({"SCRIPT", "FLUSH"});
  CHECK(a.call(Outcome::failure).state == State::open);
  CHECK(a.troubles.empty());
}

TEST_CASE("after a restart of Redis the next call is protected again") {
  TestRedis redis;
  Instance a(redis, one_failure);
  a.call(Outcome::success);
  redis.server.restart();
  CHECK(a.call(Outcome::failure).state == State::open);
  CHECK(a.rejected());
  CHECK(a.breaker.status().unprotected_calls == 0);
  CHECK(a.troubles.empty());
}

TEST_CASE("without Redis every call goes through, is counted as unprotected, and is no failure of the upstream") {
  TestRedis redis;
  Instance a(redis, one_failure, 50ms);
  a.call(Outcome::success);
  redis.server.process().send_signal(SIGKILL);
  redis.server.process().wait(5s);
  for (int i = 0; i < 5; ++i) CHECK_FALSE(a.call(Outcome::success).late);
  CHECK(a.breaker.status().unprotected_calls == 5);
  CHECK(a.breaker.status().store == "redis (no answer; this is what was last seen)");
  CHECK(a.troubles.size() == 1);  // said once, not five times
  redis.server.restart();
  CHECK(a.breaker.status().failures == 0);
  CHECK(a.breaker.status().state == State::closed);
}

TEST_CASE("trouble while a success is recorded is not recorded as a failure") {
  TestRedis redis;
  Instance a(redis, one_failure, 50ms);
  Permit permit = a.permit();
  redis.cli({"ACL", "SETUSER", "default", "-evalsha"});
  permit.settle(Outcome::success);
  CHECK(a.troubles.size() == 1);
  redis.cli({"ACL", "SETUSER", "default", "+evalsha"});
  CHECK(a.breaker.status().failures == 0);
  CHECK(a.breaker.status().state == State::closed);
}

TEST_CASE("a Redis that hangs costs a call its deadlines and no more") {
  TestRedis redis;
  Instance a(redis, one_failure, 50ms);
  a.call(Outcome::success);
  redis.server.process().send_signal(SIGSTOP);
  const auto start = SteadyClock::now();
  a.call(Outcome::success);
  const auto took = SteadyClock::now() - start;
  redis.server.process().send_signal(SIGCONT);
  CHECK(took >= 50ms);
  CHECK(took < 150ms);
  CHECK(a.breaker.status().unprotected_calls == 1);
}

TEST_CASE("an answer that comes after its deadline is not taken for the next one") {
  TestRedis redis;
  Instance a(redis, {.failure_threshold = 2, .recovery_timeout = 60s}, 50ms);
  a.call(Outcome::success);
  redis.server.process().send_signal(SIGSTOP);
  a.call(Outcome::success);
  redis.server.process().send_signal(SIGCONT);
  CHECK(a.call(Outcome::failure).state == State::closed);
  CHECK(a.call(Outcome::failure).state == State::open);
}

TEST_CASE("a probe whose prober is gone costs its lease") {
  TestRedis redis;
  const Policy policy{.failure_threshold = 1, .recovery_timeout = 1ms, .probe_timeout = 100ms};
  Instance a(redis, policy), b(redis, policy);
  a.call(Outcome::failure);
  wait_for_recovery(a);
  Permit lost = a.permit();
  CHECK(b.rejected());
  wait_for_recovery(b);
  CHECK(b.permit().settle(Outcome::success).state == State::closed);
  CHECK(lost.settle(Outcome::failure).late);
  CHECK(b.breaker.status().state == State::closed);
}

TEST_CASE("a bad name or setting is refused at construction") {
  Redis redis(RedisAddress{}, 50ms);
  CHECK_THROWS_AS(RedisBreaker(redis, "a b", {}), std::invalid_argument);
  CHECK_THROWS_AS(RedisBreaker(redis, "x", {.failure_threshold = 0}), std::invalid_argument);
}
