#include "redis_breaker/redis_breaker.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "redis_breaker/redis_for_test.hpp"

using namespace cb;
using namespace std::chrono_literals;

namespace {

using SteadyClock = std::chrono::steady_clock;

// An instance: its own connections to the shared Redis, and what its breaker reported.
struct Instance {
  Instance(TestRedis& shared, const Policy& policy, std::chrono::milliseconds timeout = 5s)
      : redis(parse_redis_url(shared.server.url()), timeout),
        breaker(redis, "x", policy,
                {[this](const Transition& transition) { transitions.push_back(transition); },
                 [this](const std::string& what) { troubles.push_back(what); }}) {}

  Permit permit() {
    Admission admission = breaker.acquire();
    REQUIRE(std::holds_alternative<Permit>(admission));
    return std::get<Permit>(std::move(admission));
  }
  Settled call(Outcome outcome) { return permit().settle(outcome); }
  bool rejected() { return std::holds_alternative<Rejection>(breaker.acquire()); }
  std::string last_cause() const { return transitions.empty() ? "" : transitions.back().cause; }

  Redis redis;
  std::vector<Transition> transitions;
  std::vector<std::string> troubles;
  RedisBreaker breaker;
};

const Policy one_failure{.failure_threshold = 1, .recovery_timeout = 60s};

// Waits until the break is over by Redis's own clock.
void wait_for_recovery(Instance& instance) {
  while (instance.breaker.status().retry_after > 0ms) std::this_thread::yield();
}

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

TEST_CASE("a state written from outside is honoured by every instance, as one transition") {
  TestRedis redis;
  Instance a(redis, one_failure), b(redis, one_failure);
  a.call(Outcome::success);
  b.call(Outcome::success);
  redis.cli({"SET", "cb:x:state", "open"});
  CHECK(a.rejected());
  CHECK(b.rejected());
  CHECK(a.last_cause() == "written from outside");
  CHECK(a.transitions.size() + b.transitions.size() == 1);
  CHECK(a.breaker.status().retry_after > 59s);
  redis.cli({"SET", "cb:x:state", "closed"});
  CHECK(b.call(Outcome::success).state == State::closed);
  CHECK(b.last_cause() == "written from outside");
}

TEST_CASE("a state written before any instance started is honoured, not overwritten") {
  TestRedis redis;
  redis.cli({"SET", "cb:x:state", "open"});
  Instance a(redis, one_failure);
  CHECK(a.rejected());
  CHECK(redis.cli({"GET", "cb:x:state"}) == "open");
}

TEST_CASE("failures that another program counted count") {
  TestRedis redis;
  Instance a(redis, {.failure_threshold = 3, .recovery_timeout = 60s});
  a.call(Outcome::success);
  redis.cli({"INCR", "cb:x:failures"});
  redis.cli({"INCR", "cb:x:failures"});
  CHECK(a.call(Outcome::failure).state == State::open);
}

TEST_CASE("a half-open that another program left behind is freed") {
  TestRedis redis;
  Instance a(redis, one_failure);
  a.call(Outcome::success);
  redis.cli({"SET", "cb:x:state", "half_open"});
  Permit probe = a.permit();
  CHECK(probe.is_probe());
  CHECK(probe.settle(Outcome::success).state == State::closed);
}

TEST_CASE("FLUSHALL resets the breaker, nobody throws, and calls from before it are late") {
  TestRedis redis;
  Instance a(redis, one_failure), b(redis, one_failure);
  Permit before = b.permit();
  a.call(Outcome::failure);
  const uint64_t generation = a.breaker.status().generation;
  redis.cli({"FLUSHALL"});
  CHECK(a.call(Outcome::success).state == State::closed);
  CHECK(a.transitions.back().from == State::open);
  CHECK(a.last_cause() == "state gone: flushed, deleted or expired");
  CHECK(a.breaker.status().generation > generation);
  CHECK(before.settle(Outcome::failure).late);
  CHECK(a.breaker.status().state == State::closed);
}

TEST_CASE("deleting the state alone is a reset too") {
  TestRedis redis;
  Instance a(redis, one_failure);
  a.call(Outcome::failure);
  redis.cli({"DEL", "cb:x:state"});
  CHECK(a.call(Outcome::success).state == State::closed);
  CHECK(a.last_cause() == "state deleted from outside");
}

TEST_CASE("a state that went back to an older one begins a generation that nobody had") {
  TestRedis redis;
  Instance a(redis, one_failure);
  a.call(Outcome::success);
  const std::string older = redis.cli({"HGET", "cb:x:breaker", "generation"});
  redis.cli({"SET", "cb:x:state", "open"});
  CHECK(a.rejected());
  const uint64_t newest = a.breaker.status().generation;
  redis.cli({"MSET", "cb:x:state", "closed", "cb:x:failures", "0"});
  redis.cli({"HSET", "cb:x:breaker", "generation", older, "state", "closed"});
  a.call(Outcome::success);
  CHECK(a.last_cause() == "state went back to an older one");
  CHECK(a.breaker.status().generation > newest);
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

TEST_CASE("a value that makes no sense is reported with key and value, and mended to a fresh closed breaker") {
  const std::vector<std::vector<std::string>> nonsense{
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
  for (const auto& write : nonsense) {
    CAPTURE(write);
    TestRedis redis;
    Instance a(redis, one_failure);
    a.call(Outcome::failure);
    redis.cli(write);
    CHECK(a.call(Outcome::success).state == State::closed);
    CHECK(a.last_cause() == "mended: " + write[1] + " held \"" + write.back() + "\"");
    CHECK(redis.cli({"GET", "cb:x:state"}) == "closed");
    CHECK(a.troubles.empty());
  }
}

TEST_CASE("a key of another type is mended as well") {
  for (const std::string key : {"state", "failures", "breaker", "probes"}) {
    CAPTURE(key);
    TestRedis redis;
    Instance a(redis, one_failure);
    a.call(Outcome::failure);
    redis.cli({"DEL", "cb:x:" + key});
    redis.cli({"RPUSH", "cb:x:" + key, "1", "2"});
    CHECK(a.call(Outcome::success).state == State::closed);
    CHECK(a.last_cause().rfind("mended: cb:x:" + key, 0) == 0);
    CHECK(a.call(Outcome::failure).state == State::open);
  }
}

TEST_CASE("after nonsense the breaker counts as before") {
  TestRedis redis;
  Instance a(redis, {.failure_threshold = 3, .recovery_timeout = 60s});
  a.call(Outcome::success);
  redis.cli({"HSET", "cb:x:breaker", "generation", "9999999999999999"});
  for (int i = 0; i < 3; ++i) a.call(Outcome::failure);
  CHECK(a.breaker.status().state == State::open);
}

TEST_CASE("a count at the edge of what fits opens the circuit, and it stays open") {
  TestRedis redis;
  Instance a(redis, {.failure_threshold = 3, .recovery_timeout = 60s});
  a.call(Outcome::success);
  redis.cli({"SET", "cb:x:failures", "999999999"});
  CHECK(a.call(Outcome::failure).state == State::open);
  CHECK(a.rejected());
}

TEST_CASE("bytes that are no text are shown as question marks") {
  TestRedis redis;
  Instance a(redis, one_failure);
  redis.cli({"SET", "cb:x:state", "\xff\n\x1b[31m"});
  a.call(Outcome::success);
  CHECK(a.last_cause() == "mended: cb:x:state held \"???[31m\"");
}

TEST_CASE("a clock of Redis that was set back lengthens no break and no lease") {
  TestRedis redis;
  Instance a(redis, {.failure_threshold = 1, .recovery_timeout = 10s, .probe_timeout = 5s});
  a.call(Outcome::failure);
  redis.cli({"HSET", "cb:x:breaker", "open_until", "8000000000000000"});
  CHECK(a.rejected());
  CHECK(a.breaker.status().retry_after <= 10s);
  redis.cli({"SET", "cb:x:state", "half_open"});
  a.breaker.status();
  redis.cli({"ZADD", "cb:x:probes", "8000000000000000", "7"});
  CHECK(a.permit().is_probe());
}

TEST_CASE("a failed probe of another program begins a new break; its late failures do not lengthen one") {
  TestRedis redis;
  const Policy policy{.failure_threshold = 1, .recovery_timeout = 300ms};
  Instance a(redis, policy);
  a.call(Outcome::failure);
  redis.cli({"SET", "cb:x:last_failure", "1"});  // during the break: a late one
  CHECK(a.rejected());
  CHECK(a.transitions.size() == 1);
  wait_for_recovery(a);
  redis.cli({"SET", "cb:x:last_failure", "2"});  // after it, with the state open again: a failed probe
  CHECK(a.rejected());
  CHECK(a.last_cause() == "written from outside");
  wait_for_recovery(a);
  CHECK(a.permit().is_probe());
}

TEST_CASE("a closed state written after a flush is told as a transition where it was open before") {
  TestRedis redis;
  Instance a(redis, one_failure);
  a.call(Outcome::failure);
  redis.cli({"FLUSHALL"});
  redis.cli({"SET", "cb:x:state", "closed"});
  CHECK(a.call(Outcome::success).state == State::closed);
  CHECK(a.transitions.back().from == State::open);
}

TEST_CASE("an open circuit whose hash was evicted begins its break anew") {
  TestRedis redis;
  Instance a(redis, one_failure);
  a.call(Outcome::failure);
  redis.cli({"DEL", "cb:x:breaker"});
  CHECK(a.rejected());
}

TEST_CASE("a long value is reported in part") {
  TestRedis redis;
  Instance a(redis, one_failure);
  redis.cli({"SET", "cb:x:state", std::string(100'000, 'b')});
  a.call(Outcome::success);
  CHECK(a.last_cause().size() < 100);
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
