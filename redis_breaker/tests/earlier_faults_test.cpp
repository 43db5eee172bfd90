// The shared breaker against faults of earlier systems that the textbook's breaker does not have. (Faults 1 to 6 are in
// naive_redis_breaker_test.cpp, beside a breaker that has them.)
#include <doctest/doctest.h>

#include <random>
#include <sstream>
#include <thread>

#include "redis_breaker/fallback_breaker.hpp"
#include "redis_breaker/redis/client_for_test.hpp"
#include "redis_breaker/redis_group.hpp"

using namespace cb;
using namespace std::chrono_literals;

namespace {

const std::vector<std::string> own_keys{"cb:x:state", "cb:x:failures", "cb:x:last_failure", "cb:x:breaker",
                                        "cb:x:probes"};

// Lists the keys of the breaker that never expire.
const std::vector<std::string> keys_without_expiry{"EVAL", R"(
  local found = {}
  for _, key in ipairs(redis.call('KEYS', 'cb:*')) do
    if redis.call('PTTL', key) == -1 then table.insert(found, key) end
  end
  return found)",
                                                   "0"};

// The arguments of the last script call that settled a result, from Redis's slow log.
std::string last_settlement(TestRedis& redis) {
  std::istringstream entries(redis.cli({"SLOWLOG", "GET", "10"}));
  std::string words;
  for (std::string word; entries >> word;) words += word + " ";
  const auto at = words.rfind("EVALSHA", words.find(" settle "));
  return words.substr(at, words.find(" 127.0.0.1:", at) - at);  // the caller's address follows the arguments
}

}  // namespace

TEST_CASE("fault 7: no lock is held while a call runs") {
  TestRedis redis;
  redis::Client other_connections(redis::parse_url(redis.server.url()), 5s);
  FallbackBreaker a(redis_group(redis.client, {}), {"x"}), b(redis_group(other_connections, {}), {"x"});
  Permit running = permit(a);
  CHECK_FALSE(permit(b).settle(Outcome::success).late);
  CHECK_FALSE(permit(a).settle(Outcome::success).late);
  CHECK_FALSE(running.settle(Outcome::success).late);
}

TEST_CASE("fault 8: after any sequence of events every existing key expires") {
  TestRedis redis;
  FallbackBreaker breaker(
      redis_group(redis.client, {.failure_threshold = 2, .recovery_timeout = 1ms, .permitted_calls_in_half_open = 2}),
      {"x"});
  std::mt19937 dice(8);
  for (int i = 0; i < 500; ++i) {
    Admission admission = breaker.acquire();
    if (auto* admitted = std::get_if<Permit>(&admission)) admitted->settle(static_cast<Outcome>(dice() % 3));
    if (dice() % 50 == 0) redis.cli({"SET", "cb:x:state", dice() % 2 == 0 ? "open" : "half_open"});
    breaker.status();
    CHECK(redis.cli(keys_without_expiry) == "");
  }
}

TEST_CASE("fault 9: losing the script repeatedly never switches protection off") {
  TestRedis redis;
  FallbackBreaker breaker(redis_group(redis.client, {.failure_threshold = 10, .recovery_timeout = 60s}), {"x"});
  for (int i = 0; i < 10; ++i) {
    redis.cli({"SCRIPT", "FLUSH"});
    permit(breaker).settle(Outcome::failure);
  }
  CHECK(breaker.status().state == State::open);
  CHECK(breaker.detailed_status().store.local_calls == 0);
}

TEST_CASE("fault 10: the protocol contains no instance's clock: the same call at another time sends the same bytes") {
  TestRedis redis;
  redis.cli({"CONFIG", "SET", "slowlog-log-slower-than", "0"});
  FallbackBreaker breaker(redis_group(redis.client, {.failure_threshold = 1000}), {"x"});
  permit(breaker).settle(Outcome::failure);  // from now on the view knows the generation
  while (!breaker.view().is_fresh()) std::this_thread::yield();
  const auto fail = [&] {
    redis.cli({"SLOWLOG", "RESET"});
    permit(breaker).settle(Outcome::failure);
    return last_settlement(redis);
  };
  const std::string first = fail();
  const auto later = std::chrono::steady_clock::now() + 20ms;
  while (std::chrono::steady_clock::now() < later) std::this_thread::yield();
  CHECK(first.find("settle") != std::string::npos);
  CHECK(fail() == first);
}

TEST_CASE("fault 11: an ignored probe closes nothing") {
  TestRedis redis;
  FallbackBreaker breaker(redis_group(redis.client, {.failure_threshold = 1, .recovery_timeout = 1ms}), {"x"});
  permit(breaker).settle(Outcome::failure);
  while (breaker.status().retry_after > 0ms) std::this_thread::yield();
  for (int i = 0; i < 5; ++i) {
    Permit probe = permit(breaker);
    CHECK(probe.is_probe());
    CHECK(probe.settle(Outcome::ignored).state == State::half_open);
  }
}

TEST_CASE("fault 12: a breaker's data in Redis does not grow with traffic") {
  TestRedis redis;
  FallbackBreaker breaker(
      redis_group(redis.client, {.failure_threshold = 3, .recovery_timeout = 1ms, .permitted_calls_in_half_open = 3}),
      {"x"});
  std::mt19937 dice(12);
  for (int i = 0; i < 3000; ++i) {
    Admission admission = breaker.acquire();
    if (auto* admitted = std::get_if<Permit>(&admission)) admitted->settle(static_cast<Outcome>(dice() % 3));
  }
  long bytes = 0;
  for (const std::string& key : own_keys) {
    const std::string usage = redis.cli({"MEMORY", "USAGE", key});
    bytes += usage.empty() ? 0 : std::stol(usage);
  }
  CHECK(bytes < 1024);
  CHECK(std::stol(redis.cli({"DBSIZE"})) <= static_cast<long>(own_keys.size()));
}
