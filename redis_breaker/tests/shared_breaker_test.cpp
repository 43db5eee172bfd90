#include <doctest/doctest.h>

#include <chrono>
#include <sstream>
#include <string>

#include "redis_breaker/fallback_breaker.hpp"
#include "redis_breaker/script/redis_store.hpp"
#include "redis_breaker/tests/shared_instance_for_test.hpp"

using namespace cb;
using namespace std::chrono_literals;

TEST_CASE("instances share the count: three failures seen by three instances open the circuit for all") {
  TestRedis redis;
  const Policy policy{.failure_threshold = 3, .recovery_timeout = 60s};
  TestInstance a(redis, policy), b(redis, policy), c(redis, policy);
  CHECK(a.call(Outcome::failure).state == State::closed);
  CHECK(b.call(Outcome::failure).state == State::closed);
  CHECK(c.call(Outcome::failure).state == State::open);
  CHECK(c.rejected());  // at once: the reply reported it
  CHECK(a.sees(State::open));
  CHECK(b.sees(State::open));
  CHECK(a.rejected());
  CHECK(b.rejected());
  CHECK(c.last_cause() == "3 consecutive failures");
  CHECK(a.transitions().size() + b.transitions().size() == 0);
}

TEST_CASE("a success resets the shared count when its report reaches Redis, not when its call ended") {
  TestRedis redis;
  const Policy policy{.failure_threshold = 3, .recovery_timeout = 60s};
  RedisStore store(redis.client, policy, "a");
  const Answer first = answer_in(store.apply("x", {}, {Acquire{}}));
  const LastKnown known = last_known_from(first);
  const PermitId permit = first.replies.front().permit;
  const auto a_fails = [&] { return answer_in(store.apply("x", known, {Settle{permit, {Outcome::failure}}})).state; };
  const auto b_reports_a_success = [&] {
    return answer_in(store.apply("x", known, {Settle{permit, {Outcome::success}}})).replies.front();
  };
  a_fails();
  SUBCASE("reported before the next failures") {
    CHECK(b_reports_a_success().kind == Reply::Kind::settled);
    a_fails();
    CHECK(a_fails() == State::closed);
    CHECK(redis.cli({"GET", "cb:x:failures"}) == "2");
  }
  SUBCASE("reported after them: late") {
    a_fails();
    CHECK(a_fails() == State::open);
    const Reply reply = b_reports_a_success();
    CHECK(reply.kind == Reply::Kind::late);
    CHECK(reply.state == State::open);
  }
}

TEST_CASE("the three public keys contain what the contract says") {
  TestRedis redis;
  TestInstance a(redis, one_failure);
  const auto now = [] {
    return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
  };
  const double before = now();
  a.call(Outcome::failure);
  const double after = now();
  CHECK(redis.cli({"GET", "cb:x:state"}) == "open");
  CHECK(redis.cli({"GET", "cb:x:failures"}) == "1");
  const double last_failure = std::stod(redis.cli({"GET", "cb:x:last_failure"}));
  CHECK(last_failure >= before - 0.1);
  CHECK(last_failure <= after + 0.1);
  CHECK(redis.cli({"GET", "cb:x:last_failure"}).find('.') != std::string::npos);
}

TEST_CASE("an instance dates transitions and overrides by its own clock, whatever Redis's clock shows") {
  for (const std::string ahead : {"3600", "-3600"}) {
    CAPTURE(ahead);
    TestRedis redis;
    Script script = breaker_script_source();
    const std::string asks = "redis.call('TIME')";
    REQUIRE(script.source.find(asks) != std::string::npos);
    script.source.replace(script.source.find(asks), asks.size(), "{" + asks + "[1] + " + ahead + ", " + asks + "[2]}");
    script.sha1 = redis.cli({"SCRIPT", "LOAD", script.source});
    std::vector<Transition> transitions;
    const auto record = on_transition([&](const Transition& transition) { transitions.push_back(transition); });
    FallbackBreaker breaker(redis_group(redis.client, one_failure, record, "", script), {"x"});
    const TimePoint before = steady_wall_clock();
    std::get<Permit>(breaker.acquire()).settle(Outcome::failure);
    REQUIRE(transitions.size() == 1);
    CHECK(transitions[0].at >= before);
    CHECK(transitions[0].at <= steady_wall_clock());
    REQUIRE(breaker.apply_override({Mode::forced_open, "ann", ""}, 1min).empty());
    const auto until = breaker.detailed_status().override_until;
    REQUIRE(until.has_value());
    CHECK(*until >= before + 1min);
    CHECK(*until <= steady_wall_clock() + 1min);
  }
}

TEST_CASE("every key expires, long after its last use and not before an open breaker needs it") {
  TestRedis redis;
  TestInstance a(redis, {.failure_threshold = 1, .recovery_timeout = 48h});
  a.call(Outcome::failure);
  for (const std::string key : {"state", "failures", "last_failure", "breaker"}) {
    CHECK(std::stoll(redis.cli({"PTTL", "cb:x:" + key})) > std::chrono::milliseconds(71h).count());
  }
  redis.cli({"PERSIST", "cb:x:state"});  // as after another program's SET
  CHECK(a.breaker.status().state == State::open);
  CHECK(std::stoll(redis.cli({"PTTL", "cb:x:state"})) > 0);
}

TEST_CASE("a running instance keeps the keys alive, because it polls them") {
  TestRedis redis;
  redis.cli({"ACL", "SETUSER", "default", "-client|tracking"});  // otherwise the change below would trigger a fetch
  TestInstance a(redis, one_failure);
  a.call(Outcome::success);
  redis.cli({"EVAL", "for _, key in ipairs(KEYS) do redis.call('PEXPIRE', key, 1000000) end", "3", "cb:x:state",
             "cb:x:failures", "cb:x:breaker"});
  for (const std::string key : {"state", "failures", "breaker"}) {
    CHECK(eventually([&] {
      return std::stoll(redis.cli({"PTTL", "cb:x:" + key})) > std::chrono::milliseconds(23h).count();
    }));
  }
}

TEST_CASE("of several events in one run, each reply has the transitions of its event only") {
  TestRedis redis;
  RedisStore script(redis.client, {}, "a");
  const ApplyOverride open{{Mode::forced_open, "ann", ""}, {}}, automatic{{Mode::automatic, "ann", ""}, {}};
  const auto answer = answer_in(script.apply("x", {}, {open, Tick{}, automatic, Acquire{}}));
  REQUIRE(answer.replies.size() == 4);
  const State states[] = {State::open, State::open, State::half_open, State::half_open};
  for (size_t i = 0; i < 4; ++i) {
    CAPTURE(i);
    CHECK(answer.replies[i].state == states[i]);
    REQUIRE(answer.replies[i].transitions.size() == (i % 2 == 0 ? 1 : 0));
    if (i % 2 == 0) CHECK(answer.replies[i].transitions[0].to == states[i]);
  }
}

TEST_CASE("the failure count and the state are written only if they have changed: each write is pushed") {
  TestRedis redis;
  RedisStore script(redis.client, {.permitted_calls_in_half_open = 2}, "a");
  const ApplyOverride open{{Mode::forced_open, "ann", ""}, {}}, automatic{{Mode::automatic, "ann", ""}, {}};
  const auto half_open = answer_in(script.apply("x", {}, {open, automatic, Acquire{}}));
  redis.cli({"CONFIG", "RESETSTAT"});
  const auto second = answer_in(script.apply("x", last_known_from(half_open), {Acquire{}}));
  CHECK(second.replies.at(0).permit.probe == 2);
  CHECK(redis.cli({"INFO", "commandstats"}).find("cmdstat_set:") == std::string::npos);
}

TEST_CASE("no key outside cb:NAME: is created") {
  TestRedis redis;
  TestInstance a(redis, {.failure_threshold = 1, .recovery_timeout = 1ms});
  a.call(Outcome::failure);
  wait_for_recovery(a);
  const Permit probe = a.permit();
  std::istringstream keys(redis.cli({"KEYS", "*"}));
  for (std::string key; keys >> key;) CHECK(key.rfind("cb:x:", 0) == 0);
}

TEST_CASE("a script that Redis has forgotten is loaded again without the caller noticing it") {
  TestRedis redis;
  TestInstance a(redis, one_failure);
  a.call(Outcome::success);
  redis.cli({"SCRIPT", "FLUSH"});
  CHECK(a.call(Outcome::failure).state == State::open);
  CHECK(a.troubles().empty());
}

TEST_CASE("a prober that dies costs its lease and one break") {
  TestRedis redis;
  const Policy policy{.failure_threshold = 1, .recovery_timeout = 1ms, .probe_timeout = 1s};
  TestInstance a(redis, policy), b(redis, policy);
  a.call(Outcome::failure);
  wait_for_recovery(a);
  Permit lost = a.permit();
  CHECK(b.rejected());
  wait_for_recovery(b);
  CHECK(b.permit().settle(Outcome::success).state == State::closed);
  CHECK(lost.settle(Outcome::failure).late);
  CHECK(b.breaker.status().state == State::closed);
}

TEST_CASE("a lease has the length that its instance gave it, whatever the settings of another instance") {
  TestRedis redis;
  const Policy patient{.failure_threshold = 1, .recovery_timeout = 1ms, .probe_timeout = 10min};
  Policy impatient = patient;
  impatient.probe_timeout = 5ms;
  TestInstance a(redis, patient), b(redis, impatient);
  for (int round = 0; round < 20; ++round) {
    a.call(Outcome::failure);
    wait_for_recovery(a);
    Permit probe = a.permit();
    b.breaker.status();
    CHECK(b.rejected());
    b.breaker.status();
    const Settled settled = probe.settle(Outcome::success);
    CHECK_FALSE(settled.late);
    CHECK(settled.state == State::closed);
  }
}

TEST_CASE("instances whose settings differ say so, once") {
  TestRedis redis;
  Policy other = one_failure;
  other.probe_timeout = 6s;
  TestInstance a(redis, one_failure), same(redis, one_failure);
  a.call(Outcome::success);
  same.call(Outcome::success);
  TestInstance b(redis, other);
  for (int i = 0; i < 20; ++i) b.breaker.status();
  CHECK(eventually([&] { return b.troubles().size() == 1; }));
  CHECK(b.troubles().front().rfind("settings differ: another instance uses the breaker x", 0) == 0);
  CHECK(same.troubles().empty());
  redis.cli({"HSET", "cb:x:breaker", "settings_at", "1"});  // ten seconds later: b leaves its fingerprint
  b.breaker.status();
  for (int i = 0; i < 20; ++i) a.breaker.status();
  CHECK(eventually([&] { return a.troubles().size() == 1; }));
  CHECK(b.troubles().size() == 1);
}

TEST_CASE("a bad name or setting is refused at construction") {
  redis::Client client(redis::Address{}, 50ms);
  CHECK_THROWS_AS(FallbackBreaker(redis_group(client, {}), {"a b"}), std::invalid_argument);
  CHECK_THROWS_AS(FallbackBreaker(redis_group(client, {.failure_threshold = 0}), {"x"}), std::invalid_argument);
}
