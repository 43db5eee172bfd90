#include "distributed_breaker/registry/breaker_registry.hpp"

#include <doctest/doctest.h>
#include <malloc.h>
#include <unistd.h>

#include <atomic>
#include <barrier>
#include <chrono>
#include <fstream>
#include <functional>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "distributed_breaker/tests/fake_breaker_for_test.hpp"
#include "simple_breaker/circuit_breaker.hpp"

using namespace cb;
using namespace std::chrono_literals;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define UNDER_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define UNDER_SANITIZER 1
#endif
#endif

namespace {

using Watched = std::weak_ptr<ManagedBreaker>;  // expired once its breaker is evicted

constexpr int threads = 8;
const Policy opens_at_once{.failure_threshold = 1, .recovery_timeout = 1h};

BreakerRegistry::Make in_memory(const Policy& policy) {
  return [setup = std::make_shared<const BreakerConfig>(policy)](const Identity& identity) {
    return std::make_shared<CircuitBreaker>(setup, identity);
  };
}

BreakerRegistry registry_of(size_t max_breakers) { return {"upstream", max_breakers, in_memory(opens_at_once)}; }

void call(ManagedBreaker& breaker, Outcome outcome) { std::get<Permit>(breaker.acquire()).settle(outcome); }
void open(ManagedBreaker& breaker) { call(breaker, Outcome::failure); }
bool is_common(const BreakerRegistry& registry, const std::shared_ptr<ManagedBreaker>& breaker) {
  return breaker.get() == &registry.common();
}

std::string number(int i) { return std::to_string(i); }

double resident_mib() {
  long size = 0, resident = 0;
  std::ifstream("/proc/self/statm") >> size >> resident;
  return static_cast<double>(resident * sysconf(_SC_PAGESIZE)) / (1 << 20);
}

}  // namespace

TEST_CASE("each context has its own breaker, created at first use and then reused") {
  std::vector<std::string> created;
  BreakerRegistry registry("upstream", 10, [&](const Identity& identity) {
    created.push_back(identity.full());
    return std::make_shared<CircuitBreaker>(opens_at_once, Listener{}, Clock{}, identity);
  });
  const auto acme = registry.at("acme");
  CHECK(registry.at("acme") == acme);
  CHECK(registry.at("bolt") != acme);
  CHECK(is_common(registry, registry.at("")));
  CHECK(created == std::vector<std::string>{"upstream", "upstream/acme", "upstream/bolt"});
  CHECK(registry.size() == 3);
}

TEST_CASE("one tenant's failures do not block another tenant") {
  auto registry = registry_of(10);
  open(*registry.at("acme"));
  CHECK(registry.at("acme")->is_open());
  CHECK_FALSE(registry.at("bolt")->is_open());
  CHECK_FALSE(registry.common().is_open());
}

TEST_CASE("without room the least recently used breaker is evicted") {
  auto registry = registry_of(2);
  const Watched acme = registry.at("acme"), bolt = registry.at("bolt");
  registry.at("acme");
  registry.at("newcomer");
  CHECK(registry.size() == 3);
  CHECK_FALSE(acme.expired());
  CHECK(bolt.expired());
}

TEST_CASE("a breaker in use is not evicted: a permit must not outlive it") {
  auto registry = registry_of(1);
  auto held = registry.at("acme");
  Admission admission = held->acquire();
  CHECK(is_common(registry, registry.at("newcomer")));
  CHECK(registry.at("acme") == held);
  std::get<Permit>(admission).settle(Outcome::success);
  const Watched acme = held;
  held.reset();
  CHECK_FALSE(is_common(registry, registry.at("newcomer")));
  CHECK(acme.expired());
}

TEST_CASE("an open or overridden breaker is not evicted; if all are, a new context shares the common breaker") {
  auto registry = registry_of(2);
  open(*registry.at("open"));
  registry.at("overridden")->apply_override({Mode::disabled, "alice", ""}, 0ms);
  CHECK(is_common(registry, registry.at("newcomer")));
  CHECK(registry.size() == 3);
  CHECK(registry.at("open")->is_open());
  const Watched overridden = registry.at("overridden");
  registry.at("overridden")->apply_override({Mode::automatic, "alice", ""}, 0ms);
  CHECK_FALSE(is_common(registry, registry.at("newcomer")));
  CHECK(overridden.expired());
}

namespace {

// The calls that reach a dead upstream while each of these tenants calls `rounds` times in turn.
int calls_to_a_dead_upstream(
    BreakerRegistry& registry, const std::vector<std::string>& tenants, int rounds,
    const std::function<void()>& after_each = [] {}) {
  int reached = 0;
  for (int round = 0; round < rounds; ++round) {
    for (const std::string& tenant : tenants) {
      const auto breaker = registry.at(tenant);
      Admission admission = breaker->acquire();
      auto* permit = std::get_if<Permit>(&admission);
      if (permit == nullptr) continue;
      ++reached;
      permit->settle(Outcome::failure);
      after_each();
    }
  }
  return reached;
}

}  // namespace

TEST_CASE("a breaker with failures is not evicted for a newcomer: three active tenants and room for two") {
  BreakerRegistry registry("upstream", 2, in_memory({.failure_threshold = 3, .recovery_timeout = 1h}));
  CHECK(calls_to_a_dead_upstream(registry, {"acme", "bolt", "cora"}, 30) == 9);
  CHECK(registry.common().is_open());  // where the newcomer's failures count
}

TEST_CASE("a breaker with calls in its window is not evicted for a newcomer") {
  const Policy rate{.failure_threshold = 0,
                    .failure_rate_threshold = 0.5,
                    .sliding_window_size = 1h,
                    .minimum_number_of_calls = 10,
                    .recovery_timeout = 1h};
  BreakerRegistry registry("upstream", 2, in_memory(rate));
  for (const std::string tenant : {"acme", "bolt", "cora"}) call(*registry.at(tenant), Outcome::success);
  CHECK(calls_to_a_dead_upstream(registry, {"acme", "bolt", "cora"}, 30) == 27);  // 1 success and 9 failures each
}

TEST_CASE("reading creates nothing, evicts nothing and is not a use") {
  BreakerRegistry registry("upstream", 2, in_memory({.failure_threshold = 3, .recovery_timeout = 1h}));
  const auto read = [&] {
    for (const std::string tenant : {"acme", "made-up", "another"}) registry.to_read(tenant)->status();
  };
  CHECK(calls_to_a_dead_upstream(registry, {"acme"}, 30, read) == 3);
  CHECK(registry.size() == 2);
  CHECK(registry.to_read("made-up")->status().state == State::closed);
  const Watched bolt = registry.at("bolt");
  call(*registry.at("acme-2"), Outcome::success);  // evicts the only one that can be
  CHECK(bolt.expired());
  CHECK(registry.to_read("acme")->is_open());
}

TEST_CASE("reading shows the common breaker to a context for which there is no room") {
  auto registry = registry_of(1);
  open(*registry.at("acme"));
  CHECK(is_common(registry, registry.to_read("newcomer")));
  CHECK_FALSE(is_common(registry, registry.to_read("acme")));
}

TEST_CASE("evidence that is ten minutes old does not keep newcomers from having a breaker") {
  auto now = std::chrono::steady_clock::now();
  BreakerRegistry registry("upstream", 1, in_memory({.failure_threshold = 3}), [&] { return now; });
  call(*registry.at("made-up"), Outcome::failure);
  CHECK(is_common(registry, registry.at("acme")));
  now += 10min;
  CHECK_FALSE(is_common(registry, registry.at("acme")));
}

TEST_CASE("with max_breakers 0 every context shares the common breaker") {
  auto registry = registry_of(0);
  CHECK(is_common(registry, registry.at("acme")));
  CHECK(registry.size() == 1);
}

TEST_CASE("a bad name or bound is refused") {
  CHECK_THROWS_WITH_AS(BreakerRegistry("upstream", 1'000'001, in_memory({})),
                       "max_breakers is 1000001; it must be 0 to 1000000", std::invalid_argument);
  CHECK_THROWS_AS(BreakerRegistry("not a name", 1, in_memory({})), std::invalid_argument);
}

TEST_CASE("each open breaker is visited once, the common one first, up to the given limit") {
  auto registry = registry_of(5000);
  std::set<std::string> opened{""};
  open(registry.common());
  for (int i = 0; i < 5000; ++i) {
    const auto breaker = registry.at(number(i));
    if (i % 7 != 0) continue;
    open(*breaker);
    opened.insert(number(i));
  }
  std::vector<std::string> visited;
  registry.for_each_open(BreakerRegistry::all,
                         [&](const std::string& context, const std::shared_ptr<ManagedBreaker>& breaker) {
                           CHECK(breaker == registry.at(context));  // would deadlock under the lock
                           visited.push_back(context);
                         });
  CHECK(visited.size() == opened.size());
  CHECK(std::set(visited.begin(), visited.end()) == opened);
  CHECK(visited.at(0).empty());
  CHECK(registry.counts().all == 5001);
  CHECK(registry.counts().open == opened.size());
  int few = 0;
  registry.for_each_open(3, [&](const auto&, const auto&) { ++few; });
  CHECK(few == 3);
}

TEST_CASE("each open breaker is visited once, even if many others are created during the scan") {
  constexpr int before = 3000, meanwhile = 30'000;
  auto registry = registry_of(before + meanwhile);
  for (int i = 0; i < before; ++i) open(*registry.at(number(i)));
  std::vector<std::string> visited;
  registry.for_each_open(BreakerRegistry::all, [&](const std::string& context, const auto&) {
    visited.push_back(context);
    for (int i = 0; visited.size() == 1 && i < meanwhile; ++i) registry.at("newcomer-" + number(i));
  });
  CHECK(visited.size() == before);
  CHECK(std::set(visited.begin(), visited.end()).size() == before);
}

TEST_CASE("an open breaker is visited while other threads create and use breakers") {
  auto registry = registry_of(3000);
  open(*registry.at("acme"));
  std::atomic<bool> done{false};
  std::jthread churn([&] {
    for (int i = 0; !done; ++i) registry.at(number(i));
  });
  for (int walk = 0; walk < 200; ++walk) {
    int seen = 0;
    registry.for_each_open(BreakerRegistry::all,
                           [&](const std::string& context, const auto&) { seen += context == "acme" ? 1 : 0; });
    CHECK(seen == 1);
  }
  done = true;
}

TEST_CASE("concurrent requests for one context get the same breaker") {
  for (int round = 0; round < 50; ++round) {
    auto registry = registry_of(10);
    std::vector<std::shared_ptr<ManagedBreaker>> got(threads);
    std::barrier together(threads);
    {
      std::vector<std::jthread> running;
      for (size_t i = 0; i < threads; ++i) {
        running.emplace_back([&, i] {
          together.arrive_and_wait();
          got[i] = registry.at("acme");
        });
      }
    }
    CHECK(std::set(got.begin(), got.end()).size() == 1);
    CHECK(registry.size() == 2);
  }
}

TEST_CASE("under random load from many threads the bound holds and no permit outlives its breaker") {
  constexpr size_t bound = 20;
  auto registry = registry_of(bound);
  std::vector<std::jthread> running;
  for (unsigned seed = 1; seed <= threads; ++seed) {
    running.emplace_back([&, dice = seed * 7919]() mutable {
      for (int i = 0; i < 20'000; ++i) {
        dice = dice * 1664525 + 1013904223;
        const auto breaker = registry.at(number((dice >> 16) % 60));
        Admission admission = breaker->acquire();
        auto* permit = std::get_if<Permit>(&admission);
        if (permit != nullptr) permit->settle((dice >> 24) % 50 == 0 ? Outcome::failure : Outcome::success);
        if (permit == nullptr) breaker->apply_override({Mode::reset, "test", ""}, 0ms);
        if (registry.size() > bound + 1) throw std::logic_error("over the bound");
      }
    });
  }
  running.clear();
  CHECK(registry.size() <= bound + 1);
}

TEST_CASE("a new context tries to evict at most 16 breakers, however many cannot be evicted") {
  constexpr int many = 10'000, newcomers = 100;
  const auto fake = std::make_shared<FakeBreaker>();
  // All contexts share one fake, so that it counts every read; each has its own use count.
  BreakerRegistry registry("upstream", many, [&](const Identity&) {
    return std::shared_ptr<ManagedBreaker>(fake.get(), [](ManagedBreaker*) {});
  });
  for (int i = 0; i < many; ++i) registry.at(number(i));
  for (int i = 0; i < newcomers; ++i) REQUIRE(is_common(registry, registry.at("newcomer")));
  CHECK(fake->reads <= newcomers * 16);
}

TEST_CASE("the only evictable breaker among many is found: none is tried twice before it") {
  constexpr int many = 10'000;
  auto registry = registry_of(many);
  Watched evictable;
  for (int i = 0; i < many; ++i) {
    const auto breaker = registry.at(number(i));
    if (i == 7777) {
      evictable = breaker;
    } else {
      open(*breaker);
    }
  }
  int tries = 1;
  while (is_common(registry, registry.at("newcomer")) && tries < many) ++tries;
  CHECK(tries <= many / 16 + 1);
  CHECK(evictable.expired());
}

TEST_CASE("100,000 tenants, each with a sliding window and a call, fit into 90 MiB") {
  constexpr int tenants = 100'000;
  malloc_trim(0);  // memory that earlier tests freed must not hide the growth
  const double before = resident_mib();
  BreakerRegistry registry("unreliable_service", tenants, in_memory({.failure_rate_threshold = 0.5}));
  for (int i = 0; i < tenants; ++i) call(*registry.at("tenant-" + number(i)), Outcome::success);
  CHECK(registry.size() == tenants + 1);
  const double grown = resident_mib() - before;
  MESSAGE("100,000 breakers: ", grown, " MiB; a CircuitBreaker itself: ", sizeof(CircuitBreaker), " bytes");
#ifndef UNDER_SANITIZER
  CHECK(grown < 90);
#endif
}
