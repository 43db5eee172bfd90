// The faults of the textbook's shared breaker, each shown beside the breaker that does not have it.
#include "redis_breaker/naive_redis_breaker.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <memory>
#include <random>
#include <thread>
#include <vector>

#include "redis_breaker/fallback_breaker.hpp"
#include "redis_breaker/redis/client_for_test.hpp"
#include "redis_breaker/redis_group.hpp"

using namespace cb;
using namespace std::chrono_literals;

namespace {

enum class Store { naive, atomic };

std::unique_ptr<ManagedBreaker> make(Store store, TestRedis& redis, const Policy& policy) {
  if (store == Store::naive) return std::make_unique<NaiveRedisBreaker>(redis.client, Identity{"x"}, policy);
  return std::make_unique<FallbackBreaker>(redis_group(redis.client, policy), Identity{"x"});
}

bool rejects(Breaker& breaker) { return std::holds_alternative<Rejection>(breaker.acquire()); }

void fail(Breaker& breaker, int times) {
  for (int i = 0; i < times; ++i) permit(breaker).settle(Outcome::failure);
}

// The next permit, once the break is over.
Permit probe(Breaker& breaker) {
  while (true) {
    Admission admission = breaker.acquire();
    if (auto* admitted = std::get_if<Permit>(&admission)) return std::move(*admitted);
    std::this_thread::yield();
  }
}

const Policy quick{.failure_threshold = 3, .recovery_timeout = 50ms, .probe_timeout = 10s};

// True if a failure that arrives late, in the middle of a break, is followed by a whole break before the next probe.
bool late_failure_lengthens_the_break(Store store) {
  constexpr auto a_break = 200ms;
  TestRedis redis;
  const auto breaker = make(store, redis, {.failure_threshold = 3, .recovery_timeout = a_break});
  Permit slow = permit(*breaker);
  fail(*breaker, 3);
  std::this_thread::sleep_for(a_break / 2);
  const auto late_at = std::chrono::steady_clock::now();
  slow.settle(Outcome::failure);
  const Permit next = probe(*breaker);
  return std::chrono::steady_clock::now() - late_at >= a_break;
}

}  // namespace

TEST_CASE("fault 1: a prober that dies leaves the naive breaker half-open for good") {
  for (const Store store : {Store::naive, Store::atomic}) {
    TestRedis redis;
    Policy policy = quick;
    policy.probe_timeout = 100ms;
    const auto breaker = make(store, redis, policy);
    fail(*breaker, 3);
    Permit dies = probe(*breaker);
    const auto long_after_the_lease = std::chrono::steady_clock::now() + 300ms;
    bool admitted = false, over = false;
    while (!admitted && !over) {
      over = std::chrono::steady_clock::now() >= long_after_the_lease;  // this try is the last one
      admitted = !rejects(*breaker);
    }
    CHECK(admitted == (store == Store::atomic));
  }
}

TEST_CASE("fault 2: a late success while open zeroes the naive count, and the failed probe leaves it half-open") {
  for (const Store store : {Store::naive, Store::atomic}) {
    TestRedis redis;
    const auto breaker = make(store, redis, quick);
    Permit slow = permit(*breaker);
    fail(*breaker, 3);
    slow.settle(Outcome::success);
    probe(*breaker).settle(Outcome::failure);
    CHECK(redis.cli({"GET", "cb:x:state"}) == (store == Store::naive ? "half_open" : "open"));
  }
}

TEST_CASE("fault 3: a late success in half-open closes the naive breaker, though no probe has succeeded") {
  for (const Store store : {Store::naive, Store::atomic}) {
    TestRedis redis;
    const auto breaker = make(store, redis, quick);
    Permit slow = permit(*breaker);
    fail(*breaker, 3);
    const Permit under_way = probe(*breaker);
    slow.settle(Outcome::success);
    CHECK(redis.cli({"GET", "cb:x:state"}) == (store == Store::naive ? "closed" : "half_open"));
  }
}

TEST_CASE("fault 4: a late failure lengthens the naive breaker's break") {
  CHECK(late_failure_lengthens_the_break(Store::naive));
  bool always = true;  // as it may look on a machine that stalls for half a break
  for (int attempt = 0; always && attempt < 10; ++attempt) always = late_failure_lengthens_the_break(Store::atomic);
  CHECK_FALSE(always);
}

TEST_CASE("fault 5: after FLUSHALL every call of the naive breaker throws") {
  TestRedis redis;
  const auto naive = make(Store::naive, redis, quick);
  const auto atomic = make(Store::atomic, redis, quick);
  redis.cli({"FLUSHALL"});
  CHECK_THROWS(naive->acquire());
  CHECK_THROWS(naive->status());
  CHECK_FALSE(rejects(*atomic));
}

TEST_CASE("reading a tenant's naive breaker creates no keys: its first call does") {
  TestRedis redis;
  NaiveRedisBreaker tenant(redis.client, Identity{"pay", "cards"}, quick);
  CHECK(tenant.status().state == State::closed);
  CHECK(redis.cli({"DBSIZE"}) == "0");
  permit(tenant).settle(Outcome::success);
  CHECK(redis.cli({"GET", "cb:pay@cards:state"}) == "closed");
}

TEST_CASE("fault 5: a naive instance that starts may overwrite an open state") {
  // Instances start while another one opens the circuit. Whichever is first, the circuit must end up open.
  const auto overwrites = [](Store store, std::chrono::seconds patience) {
    TestRedis redis;
    std::mt19937 dice(1);
    const auto deadline = std::chrono::steady_clock::now() + patience;
    while (std::chrono::steady_clock::now() < deadline) {
      redis.cli({"DEL", "cb:x:state", "cb:x:failures", "cb:x:last_failure", "cb:x:breaker", "cb:x:probes"});
      std::vector<std::jthread> starting;
      for (int i = 0; i < 4; ++i) {
        starting.emplace_back([&] {
          const auto breaker = make(store, redis, quick);
          if (store == Store::atomic) breaker->status();  // its first request initializes the state
        });
      }
      const auto trip = std::chrono::steady_clock::now() + std::chrono::microseconds(dice() % 300);
      while (std::chrono::steady_clock::now() < trip) std::this_thread::yield();
      redis.cli({"SET", "cb:x:state", "open"});
      starting.clear();
      if (redis.cli({"GET", "cb:x:state"}) != "open") return true;
    }
    return false;
  };
  CHECK(overwrites(Store::naive, 60s));
  CHECK_FALSE(overwrites(Store::atomic, 1s));
}

TEST_CASE("fault 6: a Redis error while a success is recorded counts as the upstream's failure") {
  for (const Store store : {Store::naive, Store::atomic}) {
    TestRedis redis;
    Policy policy = quick;
    policy.slow_call_duration_threshold = 1ms;
    const auto breaker = make(store, redis, policy);
    Permit succeeded = permit(*breaker);
    std::this_thread::sleep_for(2ms);  // makes it slow: the atomic breaker does not report a quick success
    redis.cli({"ACL", "SETUSER", "default", "-set", "-evalsha"});
    try {
      succeeded.settle(Outcome::success);
    } catch (const std::exception&) {  // the naive one throws as well
    }
    redis.cli({"ACL", "SETUSER", "default", "+set", "+evalsha"});
    CHECK(redis.cli({"GET", "cb:x:failures"}) == (store == Store::naive ? "1" : "0"));
    if (store == Store::atomic) CHECK(breaker->detailed_status().store.errors > 0);  // it did ask Redis
  }
}

TEST_CASE("race: at the end of the break, many threads send several naive probes but exactly one atomic one") {
  const auto most_probes = [](Store store) {
    int most = 0;
    TestRedis redis;
    const auto breaker = make(store, redis, {.failure_threshold = 1, .recovery_timeout = 20ms, .probe_timeout = 10min});
    for (int break_number = 0; break_number < 20; ++break_number) {
      probe(*breaker).settle(Outcome::failure);
      std::atomic<int> probes{0};
      std::atomic<bool> over{false};
      {
        std::vector<std::jthread> threads;
        std::vector<std::unique_ptr<Permit>> held(8);
        for (auto& slot : held) {
          threads.emplace_back([&] {
            while (!over) {
              Admission admission = breaker->acquire();
              if (auto* admitted = std::get_if<Permit>(&admission)) {
                slot = std::make_unique<Permit>(std::move(*admitted));
                ++probes;
                over = true;
              } else {
                std::this_thread::sleep_for(50us);  // eight busy loops would slow Redis down
              }
            }
          });
        }
        threads.clear();
        for (auto& slot : held) {
          if (slot) slot->settle(Outcome::success);
        }
      }
      most = std::max(most, probes.load());
      if (store == Store::naive && most > 1) break;  // that is what was to be shown
    }
    return most;
  };
  CHECK(most_probes(Store::naive) > 1);
  CHECK(most_probes(Store::atomic) == 1);
}
