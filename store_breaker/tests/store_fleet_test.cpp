// Many threads in several processes on one store: what is counted is exact, whatever the timing, and whichever is
// killed.
#include <doctest/doctest.h>
#include <signal.h>

#include <atomic>
#include <memory>
#include <new>
#include <random>

#include "redis_breaker/fallback_breaker.hpp"
#include "redis_breaker/tests/eventually_for_test.hpp"
#include "redis_breaker/tests/forked_workers_for_test.hpp"
#include "store_breaker/cas_store.hpp"
#include "store_breaker/memory/memory_store.hpp"
#include "store_breaker/shm/shm_store.hpp"
#include "store_breaker/tests/private_segment_for_test.hpp"
#include "store_breaker/tests/store_contract_for_test.hpp"

using namespace cb;
using namespace std::chrono_literals;

namespace {

constexpr int most_tries = 30;
const Identity name{"payments"};

struct Tally {
  std::atomic<int> opened{0};  // reports of it
  std::atomic<uint64_t> exchanges{0}, conflicts{0}, most_tries{0};

  void add(const CasStore::Counters& counters) {
    exchanges += counters.exchanges;
    conflicts += counters.conflicts;
    uint64_t most = most_tries;
    while (counters.most_tries > most && !most_tries.compare_exchange_weak(most, counters.most_tries)) {
    }
  }
};

const Policy hundred_failures{.failure_threshold = 100, .recovery_timeout = 60s};

// One instance: 8 threads fail until they are rejected.
void fail_until_rejected(std::shared_ptr<RecordStore> records, Tally& tally, int process) {
  auto cas = std::make_unique<CasStore>(std::move(records), hundred_failures,
                                        CasStore::Settings{.instance = std::to_string(process), .timeout = 10s});
  const CasStore& store = *cas;
  const auto group =
      std::make_shared<const SharedBreakerGroup>(std::move(cas), hundred_failures, [&](const Notice& notice) {
        if (notice.kind == NoticeKind::transition && notice.to == State::open) ++tally.opened;
      });
  FallbackBreaker breaker(group, name);
  on_all_threads([&](int) {
    while (true) {
      Admission admission = breaker.acquire();
      auto* permit = std::get_if<Permit>(&admission);
      if (permit == nullptr) return;
      permit->settle(Outcome::failure);
    }
  });
  CHECK(breaker.detailed_status().store.errors == 0);
  tally.add(store.counters());
}

void check(RecordStore& store, const Tally& tally) {
  const Found found = read_record(store, name.key());
  CHECK(found.record.snapshot.state == State::open);
  CHECK(found.record.snapshot.counts.failures == hundred_failures.failure_threshold);
  CHECK(tally.opened == 1);
  CHECK(tally.most_tries <= most_tries);
  MESSAGE(store.name() << ": " << tally.exchanges.load() << " exchanges, " << tally.conflicts.load()
                       << " conflicts, at most " << tally.most_tries.load() << " tries");
}

}  // namespace

TEST_CASE("24 threads in three processes on shm: exactly the threshold is counted, and one opening is reported once") {
  for (int round = 0; round < 10; ++round) {
    const PrivateSegment segment;
    const Shared<Tally> tally;
    exit_codes_of([&](int process) {
      fail_until_rejected(std::make_shared<ShmStore>(segment.name), *tally, process);
      return 0;
    });
    ShmStore store(segment.name);
    check(store, *tally);
  }
}

TEST_CASE("24 threads of three instances on memory: exactly the threshold is counted") {
  const auto store = std::make_shared<MemoryStore>();
  Tally tally;
  {
    std::vector<std::jthread> running;
    for (int instance = 0; instance < processes; ++instance) {
      running.emplace_back([&, instance] { fail_until_rejected(store, tally, instance); });
    }
  }
  check(*store, tally);
}

TEST_CASE("a conflict storm, each thread by itself: every failure is counted once, after few tries") {
  const PrivateSegment segment;
  const Shared<Tally> tally;
  constexpr int each = 200;
  const Policy never_opens{.failure_threshold = 0};
  { ShmStore(segment.name).compare_and_set(name.key(), 0, record_of_version(1), in_five_seconds()); }
  exit_codes_of([&](int process) {
    const auto records = std::make_shared<ShmStore>(segment.name);
    on_all_threads([&](int thread) {
      CasStore store(records, never_opens, {std::to_string(process * threads + thread), 10s});
      for (int i = 0; i < each; ++i) store.apply(name.key(), {}, {Settle{{7, 0}, {Outcome::failure}}});
      tally->add(store.counters());
    });
    return 0;
  });
  ShmStore store(segment.name);
  CHECK(read_record(store, name.key()).record.snapshot.counts.failures == each * workers);
  CHECK(tally->most_tries <= most_tries);
  MESSAGE(tally->exchanges.load() << " exchanges, " << tally->conflicts.load() << " conflicts, at most "
                                  << tally->most_tries.load() << " tries");
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
