// The quick way through the script: when a run takes it, when it must not, and that its answer is that of the whole
// script. (lua_matches_cpp_test.cpp goes both ways too.)
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "redis_breaker/redis/client_for_test.hpp"
#include "redis_breaker/script/redis_store.hpp"

using namespace cb;
using namespace std::chrono_literals;

namespace {

const std::string breaker = "quick";

// A run that goes on to the rest of the script fails.
Script without_the_rest(TestRedis& redis) {
  const std::string rest = "-- reading and writing the snapshot";
  Script script = breaker_script_source();
  const auto at = script.source.find(rest);
  REQUIRE(at != std::string::npos);
  script.source = script.source.substr(0, at) + "\nif true then return redis.error_reply('the rest') end";
  script.sha1 = redis.cli({"SCRIPT", "LOAD", script.source});
  return script;
}

TimePoint end_of_break(const Answer& answer) {
  return answer.wait.count() == 0 ? TimePoint{} : answer.now + answer.wait;
}

struct Quick {
  explicit Quick(const Policy& policy = {.failure_threshold = 3, .recovery_timeout = 10s})
      : whole(redis.client, policy, "tester"), quick(redis.client, policy, "tester", without_the_rest(redis)) {
    ask(Acquire{});
    ask(result(Outcome::failure));
  }

  Settle result(Outcome outcome) const { return {{generation, 0}, {outcome}}; }
  Settle late(Outcome outcome) const { return {{generation - 1, 0}, {outcome}}; }

  // The long way.
  Answer ask(const Event& event) {
    auto answer = std::get<Answer>(whole.apply(breaker, {.is_count_due = true}, {event}));
    generation = answer.generation;
    known = {.generation = answer.generation, .epoch = answer.epoch};
    return answer;
  }

  StoreResult try_quick(const std::vector<Event>& events) { return quick.apply(breaker, known, events); }
  bool takes(const Event& event) { return std::holds_alternative<Answer>(try_quick({event})); }

  std::string get(const std::string& key) { return redis.cli({"GET", "cb:" + breaker + ":" + key}); }
  std::string field(const std::string& name) { return redis.cli({"HGET", "cb:" + breaker + ":breaker", name}); }
  void write(const std::string& name, const std::string& value) {
    redis.cli({"HSET", "cb:" + breaker + ":breaker", name, value});
  }

  TestRedis redis{};
  RedisStore whole, quick;
  uint64_t generation = 0;
  LastKnown known{};
};

}  // namespace

TEST_CASE("a failure below the threshold is counted the quick way; the one that reaches it is not") {
  Quick script;
  const Answer answer = std::get<Answer>(script.try_quick({script.result(Outcome::failure)}));
  CHECK(answer.replies.at(0).kind == Reply::Kind::settled);
  CHECK(answer.failures == 2);
  CHECK(answer.generation == script.generation);
  CHECK(answer.epoch == script.known.epoch);
  CHECK(script.get("failures") == "2");
  CHECK(script.field("counted") == "2");
  CHECK(script.get("last_failure") == script.field("last_failure"));
  for (const char* key : {"failures", "last_failure"}) {
    const long left = std::stol(script.redis.cli({"PTTL", "cb:" + breaker + ":" + key}));
    CHECK(left > 86'410'000);  // a day, a break and a probe
    CHECK(left <= 86'415'000);
  }
  CHECK_FALSE(script.takes(script.result(Outcome::failure)));
  CHECK(script.ask(script.result(Outcome::failure)).state == State::open);
}

TEST_CASE("the first failure of a row is counted the quick way, with the time since when calls fail") {
  Quick script;
  script.ask(script.result(Outcome::success));
  REQUIRE(script.field("failing_since") == "");
  CHECK(script.takes(script.result(Outcome::failure)));
  const std::string since = script.field("failing_since");
  CHECK(since.size() == 16);
  CHECK(script.get("last_failure") == since.substr(0, 10) + "." + since.substr(10));
  CHECK(script.takes(script.result(Outcome::failure)));
  CHECK(script.field("failing_since") == since);
}

TEST_CASE("a late result is dropped the quick way, with the answer of the whole script") {
  Quick script;
  SUBCASE("while closed") {}
  SUBCASE("while open") {
    while (script.ask(script.result(Outcome::failure)).state == State::closed) {
    }
  }
  const long writes = script.redis.writes();
  for (const Outcome outcome : {Outcome::failure, Outcome::success, Outcome::ignored}) {
    const Answer quick = std::get<Answer>(script.try_quick({script.late(outcome)}));
    const Answer whole = script.ask(script.late(outcome));
    CHECK(quick.replies.at(0).kind == whole.replies.at(0).kind);
    CHECK(quick.replies.at(0).state == whole.state);
    CHECK(quick.state == whole.state);
    CHECK(quick.generation == whole.generation);
    CHECK(quick.epoch == whole.epoch);
    CHECK(quick.failures == whole.failures);
    CHECK(end_of_break(quick) == end_of_break(whole));
  }
  CHECK(script.redis.writes() == writes);
}

TEST_CASE("without a threshold for failures in a row, the quick way counts them up to the largest number") {
  Quick script({.failure_threshold = 0});
  Settle many = script.result(Outcome::failure);
  many.times = 999'999'998;
  CHECK(script.takes(many));
  CHECK_FALSE(script.takes(script.result(Outcome::failure)));
}

TEST_CASE("what is unusual takes no quick way") {
  Quick script;
  const std::string prefix = "cb:" + breaker + ":";
  Event event = script.result(Outcome::failure);
  REQUIRE(script.takes(script.late(Outcome::failure)));
  SUBCASE("a success") { event = script.result(Outcome::success); }
  SUBCASE("an ignored result") { event = script.result(Outcome::ignored); }
  SUBCASE("the result of a probe") { event = Settle{{script.generation, 1}, {Outcome::failure}}; }
  SUBCASE("another event") { event = Tick{}; }
  SUBCASE("a caller that saw a later generation") { ++script.known.generation; }
  SUBCASE("a caller that saw another line") { ++script.known.epoch; }
  SUBCASE("removals are due to be counted") { script.known.is_count_due = true; }
  SUBCASE("a state from outside") { script.redis.cli({"SET", prefix + "state", "open"}); }
  SUBCASE("failures from outside") { script.redis.cli({"SET", prefix + "failures", "0"}); }
  SUBCASE("a last failure from outside") { script.redis.cli({"SET", prefix + "last_failure", "1"}); }
  SUBCASE("a state that does not expire") { script.redis.cli({"PERSIST", prefix + "state"}); }
  SUBCASE("keys that soon expire") { script.redis.cli({"PEXPIRE", prefix + "state", "43000000"}); }
  SUBCASE("an override") { script.ask(ApplyOverride{{Mode::metrics_only, "ann", ""}, 0ms}); }
  SUBCASE("the settings of another instance") { script.write("settings", "0"); }
  SUBCASE("counts that are to be cleared") { script.write("clear_at", "1"); }
  SUBCASE("keys that were found gone") { script.write("found_empty_at", "1"); }
  SUBCASE("an impossible generation") {
    script.known = {};
    script.write("generation", "banana");
  }
  SUBCASE("a generation that is too long") {
    script.known = {};
    script.write("generation", "17956973410086171");
  }
  SUBCASE("an epoch that is too long") {
    script.known = {};
    script.write("epoch", "17956973410086171");
  }
  SUBCASE("an impossible break") { script.write("break_length", "banana"); }
  SUBCASE("an impossible end of a break") { script.write("open_until", "-1"); }
  CHECK_FALSE(script.takes(event));
}

TEST_CASE("two results together, half-open, and a break that seems to be longer than it was take no quick way") {
  Quick script;
  CHECK(std::holds_alternative<StoreTrouble>(
      script.try_quick({script.late(Outcome::failure), script.late(Outcome::failure)})));
  while (script.ask(script.result(Outcome::failure)).state == State::closed) {
  }
  CHECK(script.takes(script.late(Outcome::failure)));
  script.write("open_until", "8999999999999999");
  CHECK_FALSE(script.takes(script.late(Outcome::failure)));
  script.ask(HealthReport{Health::up});
  CHECK_FALSE(script.takes(script.late(Outcome::failure)));
}

TEST_CASE("policies that count more than failures in a row have no quick way") {
  Policy policy{.failure_threshold = 3};
  SUBCASE("a failure rate") { policy.failure_rate_threshold = 0.5; }
  SUBCASE("a rate of slow calls") {
    policy.slow_call_rate_threshold = 0.5;
    policy.slow_call_duration_threshold = 1s;
  }
  SUBCASE("a quorum") { policy.minimum_reporting_instances = 2; }
  SUBCASE("an interval for the counts") { policy.clear_interval = 1h; }
  Quick script(policy);
  CHECK_FALSE(script.takes(script.result(Outcome::failure)));
  CHECK_FALSE(script.takes(script.late(Outcome::failure)));
}
