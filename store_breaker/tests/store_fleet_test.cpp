// Many threads in several processes on one store: what is counted is exact, whatever the timing, and whichever is
// killed.
#include <doctest/doctest.h>
#include <signal.h>

#include <atomic>
#include <functional>
#include <memory>
#include <random>

#include "redis_breaker/tests/eventually_for_test.hpp"
#include "store_breaker/memory/memory_store.hpp"
#include "store_breaker/shm/shm_store.hpp"
#include "store_breaker/store_group.hpp"
#include "store_breaker/tests/private_segment_for_test.hpp"
#include "store_breaker/tests/store_fleet_for_test.hpp"

using namespace cb;
using namespace std::chrono_literals;

namespace {

const Identity name{"payments"};

}  // namespace

TEST_CASE("24 threads in three processes on shm: exactly the threshold is counted, and one opening is reported once") {
  for (int round = 0; round < 5; ++round) {
    const PrivateSegment segment;
    check_store_fleet([&] { return std::make_shared<ShmStore>(segment.name); }, name.name);
  }
}

TEST_CASE("24 threads of three instances on memory: exactly the threshold is counted") {
  const auto store = std::make_shared<MemoryStore>();
  check_store_fleet([&] { return store; }, name.name, in_this_process);
}

TEST_CASE("a conflict storm, each thread by itself: every failure is counted once, after few tries") {
  const PrivateSegment segment;
  const Shared<FleetCounts> counts;
  constexpr int each = 200;
  const Policy never_opens{.failure_threshold = 0};
  { ShmStore(segment.name).compare_and_set(name.key(), 0, record_of_version(1), in_five_seconds()); }
  in_processes([&](int process) {
    const auto records = std::make_shared<ShmStore>(segment.name);
    on_all_threads([&](int thread) {
      CasStore store(records, never_opens, {std::to_string(process * threads + thread), 10s});
      for (int i = 0; i < each; ++i) store.apply(name.key(), {}, {Settle{{7, 0}, {Outcome::failure}}});
      counts->add(store.counters());
    });
  });
  ShmStore store(segment.name);
  CHECK(read_record(store, name.key()).record.snapshot.counts.failures == each * workers);
  CHECK(counts->most_tries <= 30);
  MESSAGE(counts->exchanges.load() << " exchanges, " << counts->conflicts.load() << " conflicts, at most "
                                   << counts->most_tries.load() << " tries");
}

TEST_CASE("eight processes, 300 of which are killed at random moments: nothing granted is lost, and nothing is stuck") {
  constexpr int kills = 300;
  const PrivateSegment segment;
  const Shared<std::atomic<int>> acknowledged;
  const Policy never_opens{.failure_threshold = 0};
  { ShmStore(segment.name).compare_and_set(name.key(), 0, record_of_version(1), in_five_seconds()); }
  const auto start = [&] {
    const pid_t child = fork();
    REQUIRE(child >= 0);
    if (child != 0) return child;
    CasStore store(std::make_shared<ShmStore>(segment.name), never_opens, {"instance", 5s});
    while (true) {
      const StoreResult result = store.apply(name.key(), {}, {Settle{{7, 0}, {Outcome::failure}}});
      if (std::holds_alternative<StoreTrouble>(result)) _exit(1);
      *acknowledged += 1;
    }
  };
  std::vector<pid_t> children;
  for (int i = 0; i < 8; ++i) children.push_back(start());
  std::mt19937 random(1);
  int counted_until_next = 0;
  for (int killed = 0; killed < kills; ++killed) {
    counted_until_next = *acknowledged + static_cast<int>(random() % 200);
    REQUIRE(eventually([&] { return *acknowledged > counted_until_next; }));
    pid_t& victim = children[random() % children.size()];
    kill(victim, SIGKILL);
    int status = 0;
    waitpid(victim, &status, 0);
    REQUIRE(WIFSIGNALED(status));
    victim = start();
  }
  for (const pid_t child : children) {
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
  }
  ShmStore store(segment.name);
  const int counted = read_record(store, name.key()).record.snapshot.counts.failures;
  CHECK(counted >= *acknowledged);
  CHECK(counted <= *acknowledged + kills + 8);
  MESSAGE(acknowledged->load() << " acknowledged, " << counted << " counted, " << kills << " kills");
}

TEST_CASE("a circuit that one instance opened is rejected by the others without a question, within their push") {
  const PrivateSegment segment;
  const Policy one_failure{.failure_threshold = 1, .recovery_timeout = 60s};
  const auto instance = [&](const std::shared_ptr<RecordStore>& records) {
    return std::make_unique<FallbackBreaker>(
        std::make_shared<const SharedBreakerGroup>(
            std::make_unique<CasStore>(records, one_failure, CasStore::Settings{.instance = "a"}), one_failure),
        name);
  };
  const auto shared = std::make_shared<MemoryStore>();
  for (const bool in_memory : {true, false}) {
    const auto records = [&]() -> std::shared_ptr<RecordStore> {
      if (in_memory) return shared;
      return std::make_shared<ShmStore>(segment.name);
    };
    const auto a = instance(records()), b = instance(records());
    std::get<Permit>(a->acquire()).settle(Outcome::success);
    std::get<Permit>(b->acquire()).settle(Outcome::success);
    REQUIRE(eventually([&] { return a->view().is_fresh() && b->view().is_fresh(); }));
    std::get<Permit>(a->acquire()).settle(Outcome::failure);
    CHECK(eventually([&] { return b->known_state() == State::open; }, 1s));
    CHECK(b->detailed_status().store.local_calls == 0);
  }
}

TEST_CASE("two breakers of one name in one group: the second one receives pushes too") {
  const Policy one_failure{.failure_threshold = 1, .recovery_timeout = 60s};
  const std::function<void(FallbackBreaker&)> trip = [](FallbackBreaker& breaker) {
    std::get<Permit>(breaker.acquire()).settle(Outcome::failure);
  };
  const std::function<void(FallbackBreaker&)> force_open = [](FallbackBreaker& breaker) {
    CHECK(breaker.apply_override({Mode::forced_open, "ann", "deploy"}, 0ms) == "");
  };
  for (const auto& open : {trip, force_open}) {
    const PrivateSegment segment;
    for (const std::shared_ptr<RecordStore>& records :
         {std::shared_ptr<RecordStore>(std::make_shared<MemoryStore>()),
          std::shared_ptr<RecordStore>(std::make_shared<ShmStore>(segment.name))}) {
      CAPTURE(records->name());
      const auto group = store_group(records, one_failure);
      FallbackBreaker first(group, name), second(group, name);
      for (FallbackBreaker* each : {&first, &second}) std::get<Permit>(each->acquire()).settle(Outcome::success);
      REQUIRE(eventually([&] { return first.view().is_fresh() && second.view().is_fresh(); }));
      open(first);
      CHECK(eventually([&] { return second.known_state() == State::open; }, 3s));  // the first poll comes after four
    }
  }
}
