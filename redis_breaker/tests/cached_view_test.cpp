// What an instance answers from its cached view, when it asks Redis, and how changes by other instances reach it.
#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "redis_breaker/naive_redis_breaker.hpp"
#include "redis_breaker/tests/shared_instance_for_test.hpp"

using namespace cb;
using namespace std::chrono_literals;

namespace {

using SteadyClock = std::chrono::steady_clock;

// The number of script runs, by EVALSHA or EVAL.
long scripts_run(TestRedis& redis) {
  const std::string stats = redis.cli({"INFO", "commandstats"});
  long sum = 0;
  for (const std::string command : {"cmdstat_evalsha:calls=", "cmdstat_eval:calls="}) {
    const auto at = stats.find(command);
    if (at != std::string::npos) sum += std::stol(stats.substr(at + command.size()));
  }
  return sum;
}

long failures_in(TestRedis& redis) { return std::stol("0" + redis.cli({"GET", "cb:x:failures"})); }

const Policy three_failures{.failure_threshold = 3, .recovery_timeout = 60s};

}  // namespace

// Redis moves on while the view is stale, and the view becomes fresh again at once: a reader that looks at the state
// first and at its freshness second accepts the stale state.
TEST_CASE("a view that becomes fresh while it is read never passes its stale state off as fresh") {
  PushStatus pushes(0);
  PublishedView view({}, pushes);
  std::atomic<uint64_t> redis{1};  // the generation there; a view that is fresh later must know it
  std::atomic<bool> done{false};
  std::atomic<int> stale{0};
  std::jthread reader([&] {
    while (!done) {
      const uint64_t at_least = redis;
      const auto permit = view.admits_at_once(coarse_steady_time());
      if (permit && permit->generation < at_least) ++stale;
    }
  });
  for (uint64_t generation = 1; generation <= 200'000; ++generation) {
    pushes.session = 0;
    redis = generation;
    pushes.session = generation;
    pushes.confirmed_at = coarse_steady_time();
    view.publish({.generation = generation, .session = generation});
  }
  done = true;
  reader.join();
  CHECK(stale == 0);
}

TEST_CASE("a healthy call sends nothing to Redis, and neither does a rejection") {
  TestRedis redis;
  TestInstance a(redis, one_failure);
  a.call(Outcome::success);
  REQUIRE(a.receives_pushes());
  constexpr long slow_polls = 3;
  long before = scripts_run(redis);
  for (int i = 0; i < 100'000; ++i) a.call(Outcome::success);
  CHECK(scripts_run(redis) - before <= slow_polls);
  a.call(Outcome::failure);
  before = scripts_run(redis);
  for (int i = 0; i < 10'000; ++i) CHECK(a.rejected());
  CHECK(scripts_run(redis) - before <= slow_polls);
}

// As the script publishes it; no key is written, so no question could find it. (And the next check, after 750 ms, finds
// that nothing of the kind is stored.)
TEST_CASE("a push that announces a transition takes effect without a question, if it is newer than the view") {
  CHECK(happens_before_any_poll([] {
    TestRedis redis;
    TestInstance a(redis, one_failure);
    a.call(Outcome::success);
    REQUIRE(a.receives_pushes());
    const auto known = [&] { return a.breaker.view().word(); };
    const auto becomes = [&](State state) { return eventually([&] { return known().state() == state; }, 500ms); };
    const uint64_t generation = known().generation();
    const auto announce = [&](const std::string& state, uint64_t number) {
      redis.cli(
          {"PUBLISH", "cb:x:news", state + " " + std::to_string(number) + " 60000000 1 3 auto 1795697341008617 x"});
    };
    announce("open", generation);
    announce("nonsense", generation + 1);
    redis.cli({"PUBLISH", "cb:x:news", ""});
    announce("half_open", generation + 2);
    const bool is_half_open = becomes(State::half_open);
    announce("open", generation + 1);
    announce("open", generation + 3);
    const bool is_open = becomes(State::open) && known().generation() == generation + 3 && a.rejected();
    return is_half_open && is_open && a.transitions().empty();  // the instance that made it reports it
  }));
}

TEST_CASE("a probe that ends without a transition lets another instance probe at once") {
  CHECK(happens_before_any_poll([] {
    TestRedis redis;
    const Policy policy{.failure_threshold = 1, .recovery_timeout = 1ms, .success_threshold = 2, .probe_timeout = 1min};
    TestInstance a(redis, policy), b(redis, policy);
    b.call(Outcome::success);
    REQUIRE(b.receives_pushes());
    a.call(Outcome::failure);
    wait_for_recovery(a);
    Permit probe = a.permit();
    const bool waits_for_probe = b.rejected() && b.breaker.view().admits_from() > steady_wall_clock() + 30s;
    if (!waits_for_probe) return false;
    CHECK(probe.settle(Outcome::success).state == State::half_open);
    return eventually([&] { return std::holds_alternative<Permit>(b.breaker.acquire()); }, 3s);
  }));
}

TEST_CASE("with a sliding window successes are reported in batches, a few times a second, and none is lost") {
  TestRedis redis;
  const Policy policy{.failure_rate_threshold = 1, .sliding_window_size = 1h, .minimum_number_of_calls = 1'000'000};
  TestInstance a(redis, policy);
  a.call(Outcome::success);
  REQUIRE(a.receives_pushes());
  const long before = scripts_run(redis);
  const auto begun = SteadyClock::now();
  uint32_t calls = 1;
  for (; SteadyClock::now() - begun < 1s; ++calls) a.call(Outcome::success);
  CHECK(scripts_run(redis) - before <= 15);
  CHECK(eventually([&] { return a.breaker.detailed_status().recent.calls == calls; }));
}

TEST_CASE("the successes of many threads are all counted, and reported with the next failure") {
  TestRedis redis;
  const Policy policy{.failure_rate_threshold = 1, .sliding_window_size = 1h, .minimum_number_of_calls = 1'000'000};
  TestInstance a(redis, policy);
  a.call(Outcome::success);
  {
    std::vector<std::jthread> threads;
    for (int thread = 0; thread < 8; ++thread) {
      threads.emplace_back([&] {
        for (int i = 0; i < 5000; ++i) a.call(Outcome::success);
      });
    }
  }
  a.call(Outcome::failure);
  CHECK(eventually([&] { return a.breaker.detailed_status().recent == CallCounts{40'002, 1, 0}; }));
}

TEST_CASE("a success resets the fleet's count without its caller waiting for Redis") {
  TestRedis redis;
  TestInstance a(redis, three_failures), b(redis, three_failures);
  b.call(Outcome::success);
  REQUIRE(b.receives_pushes());
  a.call(Outcome::failure);
  a.call(Outcome::failure);
  CHECK(eventually([&] {
    b.call(Outcome::success);  // once its view shows the failures
    return failures_in(redis) == 0;
  }));
  CHECK(a.call(Outcome::failure).state == State::closed);
}

TEST_CASE("results are reported in the order in which an instance saw them: a success before a failure resets first") {
  TestRedis redis;
  TestInstance a(redis, three_failures);
  a.call(Outcome::failure);
  a.call(Outcome::failure);
  a.call(Outcome::success);
  CHECK(a.call(Outcome::failure).state == State::closed);
  CHECK(failures_in(redis) == 1);
}

TEST_CASE("at the end of a break the callers of an instance make one request, not one each") {
  TestRedis redis;
  const Policy policy{.failure_threshold = 1, .recovery_timeout = 300ms, .probe_timeout = 30s};
  TestInstance a(redis, policy);
  a.call(Outcome::failure);
  REQUIRE(a.receives_pushes());
  const long before = scripts_run(redis);
  std::atomic<int> permits{0};
  std::vector<Permit> probe;
  std::mutex mutex;
  constexpr int callers = 16;
  {
    const auto end = SteadyClock::now() + 600ms;
    std::vector<std::jthread> threads;
    for (int thread = 0; thread < callers; ++thread) {
      threads.emplace_back([&] {
        while (SteadyClock::now() < end) {
          Admission admission = a.breaker.acquire();
          if (!std::holds_alternative<Permit>(admission)) continue;
          ++permits;
          const std::scoped_lock lock(mutex);
          probe.push_back(std::get<Permit>(std::move(admission)));
        }
      });
    }
  }
  CHECK(permits == 1);
  CHECK(scripts_run(redis) - before <
        callers);  // the lease, a fetch after its push, and polls while a busy machine waits
}

TEST_CASE("an instance without calls learns of another instance's trip by a push") {
  TestRedis redis;
  const auto trip_is_seen = [&] {
    redis.cli({"FLUSHALL"});
    TestInstance a(redis, one_failure), b(redis, one_failure);
    a.call(Outcome::success);
    b.call(Outcome::success);
    REQUIRE(b.receives_pushes());
    a.call(Outcome::failure);
    return eventually([&] { return b.breaker.known_state() == State::open; }, 4s);
  };
  CHECK(happens_before_any_poll(trip_is_seen));
}

TEST_CASE("an instance that has seen another instance's trip rejects without asking Redis") {
  TestRedis redis;
  TestInstance a(redis, one_failure), b(redis, one_failure);
  b.call(Outcome::success);
  REQUIRE(b.receives_pushes());
  a.call(Outcome::failure);
  REQUIRE(b.sees(State::open));
  CHECK(eventually([&] {  // not at once: the synchronizers fetch after the push, too
    const long before = scripts_run(redis);
    REQUIRE(b.rejected());
    return scripts_run(redis) == before;
  }));
}

TEST_CASE("an override that expires ends for an instance without a push") {
  TestRedis redis;
  TestInstance a(redis, one_failure);
  a.breaker.apply_override({Mode::forced_closed, "ann", ""}, 1s);  // long enough for three calls
  for (int i = 0; i < 3; ++i) CHECK(a.call(Outcome::failure).state == State::closed);
  CHECK(eventually([&] { return a.call(Outcome::failure).state == State::open; }));
  CHECK(a.transitions().at(1).cause == "forced closed: expired");
}

TEST_CASE("a push reaches exactly the tenant's breaker that changed") {
  TestRedis redis;
  redis::Client first(redis::parse_url(redis.server.url()), 5s), second(redis::parse_url(redis.server.url()), 5s);
  const auto group = redis_group(first, one_failure);
  const Identity a_host{"pay", "[::1]:9000"};
  FallbackBreaker common(group, {"pay"}), acme(group, a_host), beta(group, {"pay", "9000"});
  FallbackBreaker other(redis_group(second, one_failure), a_host);
  for (FallbackBreaker* breaker : {&common, &acme, &beta, &other}) {
    std::get<Permit>(breaker->acquire()).settle(Outcome::success);
    REQUIRE(eventually([&] { return breaker->view().is_fresh(); }));
  }
  std::get<Permit>(other.acquire()).settle(Outcome::failure);
  CHECK(eventually([&] { return acme.known_state() == State::open; }));
  CHECK(common.known_state() == State::closed);
  CHECK(beta.known_state() == State::closed);
}

// The naive breaker uses the three documented keys and no others.
TEST_CASE("a peer that uses only the three documented keys shares the breaker") {
  TestRedis redis;
  TestInstance ours(redis, three_failures);
  ours.call(Outcome::success);
  REQUIRE(ours.receives_pushes());
  NaiveRedisBreaker peer(redis.client, {"x"}, three_failures);
  const auto peer_fails = [&] { std::get<Permit>(peer.acquire()).settle(Outcome::failure); };

  SUBCASE("ours follows when it opens") {
    for (int i = 0; i < 3; ++i) peer_fails();
    CHECK(ours.sees(State::open));
    CHECK(ours.rejected());
    CHECK(ours.sees("written from outside"));
  }
  SUBCASE("it follows when ours opens") {
    for (int i = 0; i < 3; ++i) ours.call(Outcome::failure);
    CHECK(std::holds_alternative<Rejection>(peer.acquire()));
  }
  SUBCASE("the failures of both add up") {
    peer_fails();
    peer_fails();
    CHECK(ours.call(Outcome::failure).state == State::open);
  }
  SUBCASE("ours recovers a half-open state in which it died") {
    peer_fails();
    redis.cli({"SET", "cb:x:state", "half_open"});
    CHECK(ours.sees(State::half_open));
    CHECK(std::holds_alternative<Rejection>(peer.acquire()));  // it would never probe again
    CHECK(ours.permit().settle(Outcome::success).state == State::closed);
    CHECK(std::holds_alternative<Permit>(peer.acquire()));
  }
}
