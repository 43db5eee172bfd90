// What a Redis user must be allowed to do, and what an instance says if it is not.
#include <doctest/doctest.h>

#include <cctype>
#include <iterator>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "redis_breaker/tests/shared_instance_for_test.hpp"

using namespace cb;
using namespace std::chrono_literals;

namespace {

// As shown in the README.
const std::string permissions = R"(
ACL SETUSER breaker on >PASSWORD ~cb:* &__redis__:invalidate &cb:*
  +evalsha +eval +time +info +ping +subscribe +publish +client|id +client|tracking
  +get +mget +set +del +type +pttl +pexpire +hgetall +hset +hdel
  +zadd +zcount +zrange +zrem +zremrangebyrank +zremrangebyscore
)";

std::vector<std::string> words_of(const std::string& text) {
  std::istringstream stream(text);
  return {std::istream_iterator<std::string>(stream), {}};
}

std::string url_of_the_user(const TestRedis& redis) {
  return "redis://breaker:PASSWORD@127.0.0.1:" + std::to_string(redis.server.port());
}

// Redis 7 says 'get', Redis 6 only the line of the script.
bool names(const std::string& trouble, const std::string& command) {
  std::string in_script = command;
  for (char& letter : in_script) letter = static_cast<char>(std::toupper(letter));
  return contains(trouble, "(" + in_script + ")") || contains(trouble, "'" + command + "'");
}

void use_everything(TestRedis& redis, const Policy& policy) {
  TestInstance a(url_of_the_user(redis), policy);
  FallbackBreaker b(redis_group(*a.client, policy, Listener{}, "B"), {"x"});
  a.call(Outcome::success);
  CHECK(a.receives_pushes());
  redis.cli({"SCRIPT", "FLUSH"});
  const auto fail = [](Breaker& breaker) {  // unless it is rejected: the other one may just have opened the circuit
    if (auto admission = breaker.acquire(); auto* permit = std::get_if<Permit>(&admission))
      permit->settle(Outcome::failure);
  };
  while (!a.rejected()) {
    fail(a.breaker);
    fail(b);
  }
  wait_for_recovery(a);
  Permit probe = a.permit();
  CHECK(eventually([&] { return std::holds_alternative<Rejection>(b.acquire()); }));
  probe.settle(Outcome::success);
  CHECK(a.breaker.apply_override({Mode::forced_open, "ann", "deploying"}, 1h).empty());
  CHECK(a.breaker.apply_override({Mode::reset, "ann", ""}, {}).empty());
  a.breaker.report_health(Health::up);
  redis.cli({"SET", "cb:x:failures", "many"});  // to be repaired
  CHECK(eventually([&] { return a.breaker.detailed_status().failures == 0; }));
  CHECK(a.breaker.detailed_status().store.name == "redis");
  CHECK(a.troubles().empty());
}

}  // namespace

TEST_CASE("the permissions that the README lists suffice, and each of them is needed") {
  TestRedis redis;
  redis.cli(words_of(permissions));
  const Policy simple{.failure_threshold = 2, .recovery_timeout = 100ms, .probe_timeout = 1min};
  Policy windowed = simple;
  windowed.failure_rate_threshold = 0.5;
  windowed.minimum_reporting_instances = 2;
  use_everything(redis, simple);
  redis.cli({"FLUSHALL"});
  use_everything(redis, windowed);
  TestInstance idle(url_of_the_user(redis), simple);
  idle.call(Outcome::success);
  CHECK(eventually([&] { return contains(redis.cli({"INFO", "commandstats"}), "cmdstat_ping:"); }));
  CHECK(redis.cli({"ACL", "LOG"}) == "");  // nothing was refused in silence
  const std::string used = redis.cli({"INFO", "commandstats"});
  for (const std::string& word : words_of(permissions)) {
    if (word[0] != '+') continue;
    CAPTURE(word);
    const std::string command = word.substr(1), family = command.substr(0, command.find('|'));
    CHECK((contains(used, "cmdstat_" + command + ":") || contains(used, "cmdstat_" + family + ":")));
  }
}

TEST_CASE("Redis's error names the command that was refused, also inside the script") {
  TestRedis redis;
  for (const char* command : {"time", "mget", "get", "hgetall", "pttl", "set", "hset"}) {
    CAPTURE(std::string(command));
    redis.cli({"FLUSHALL"});
    redis.cli(words_of(permissions));
    TestInstance a(url_of_the_user(redis), one_failure);
    redis.cli({"ACL", "SETUSER", "breaker", std::string("-") + command});
    a.call(Outcome::failure);
    REQUIRE(eventually([&] { return !a.troubles().empty(); }));
    CHECK(names(a.troubles()[0], command));
  }
}

TEST_CASE("a missing permission to read is no invalid value: nothing is repaired") {
  TestRedis redis;
  redis.cli(words_of(permissions));
  redis.cli({"SET", "cb:x:failures", "2"});
  redis.cli({"ACL", "SETUSER", "breaker", "-get", "-hgetall"});
  TestInstance a(url_of_the_user(redis), {.failure_threshold = 5});
  a.call(Outcome::failure);
  CHECK(redis.cli({"GET", "cb:x:failures"}) == "2");
}

// Leases are not read while the circuit is closed.
TEST_CASE("a missing permission to read leases does not close an open circuit") {
  TestRedis redis;
  redis.cli(words_of(permissions));
  TestInstance a(url_of_the_user(redis), one_failure);
  a.call(Outcome::success);
  redis.cli({"ACL", "SETUSER", "breaker", "-zrange"});
  a.call(Outcome::failure);
  REQUIRE(redis.cli({"GET", "cb:x:state"}) == "open");
  CHECK(eventually([&] { return a.breaker.detailed_status(), !a.troubles().empty(); }));
  CHECK(redis.cli({"GET", "cb:x:state"}) == "open");
  REQUIRE(!a.troubles().empty());
  CHECK(names(a.troubles()[0], "zrange"));
}

TEST_CASE("a channel or a command that the subscription may not use is named") {
  TestRedis redis;
  redis.cli(words_of(permissions));
  SUBCASE("the channel") { redis.cli({"ACL", "SETUSER", "breaker", "resetchannels"}); }
  SUBCASE("the command") { redis.cli({"ACL", "SETUSER", "breaker", "-subscribe"}); }
  TestInstance a(url_of_the_user(redis), one_failure);
  a.call(Outcome::success);
  REQUIRE(eventually([&] { return !a.troubles().empty(); }));
  CHECK(contains(a.troubles()[0], "no pushes: NOPERM"));
  CHECK(contains(a.troubles()[0], "(SUBSCRIBE __redis__:invalidate)"));
}

TEST_CASE("where Redis names only the line of the script, the command is found there") {
  const std::string script = "local a = 1\nlocal time = redis.call('TIME')\nreturn redis.pcall('GET', KEYS[1])\n";
  const std::string refused = "The user executing the script can't run this command or subcommand";
  const std::string redis_6 = "ERR Error running script (call to f_1): @user_script:2: @user_script: 2: " + refused;
  CHECK(with_refused_command(redis_6, script) == redis_6 + " (TIME)");
  const std::string redis_7 = "ERR " + refused + " script: 104ae, on @user_script:3.";
  CHECK(with_refused_command(redis_7, script) == redis_7 + " (GET)");
  for (const std::string& other : {"ERR " + refused + " script: 1, on @user_script:99.", "ERR " + refused,
                                   std::string("OOM command not allowed script: 1, on @user_script:2.")}) {
    CHECK(with_refused_command(other, script) == other);
  }
}
