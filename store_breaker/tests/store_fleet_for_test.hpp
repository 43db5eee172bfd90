// What 24 threads of 3 instances must find true of every store that they share: exactly the threshold is counted, and
// the circuit opens once. First each thread asks the store by itself, which is the storm with most conflicts; then each
// instance combines what its threads report, as programs do.
#pragma once

#include <doctest/doctest.h>

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "redis_breaker/fallback_breaker.hpp"
#include "redis_breaker/tests/forked_workers_for_test.hpp"
#include "store_breaker/cas_store.hpp"
#include "store_breaker/tests/store_contract_for_test.hpp"

namespace cb {

using OpenStore = std::function<std::shared_ptr<RecordStore>()>;  // called by each instance
using EachInstance = std::function<void(int instance)>;

// Each instance is a process.
inline void in_processes(const EachInstance& work) {
  const auto codes = exit_codes_of([&](int process) {
    work(process);
    return 0;
  });
  for (const int code : codes) CHECK(code == 0);
}

// All instances are in this process: for a store that no other process can share.
inline void in_this_process(const EachInstance& work) {
  std::vector<std::jthread> running;
  for (int instance = 0; instance < processes; ++instance) running.emplace_back(work, instance);
}

// Counted independently of the breaker, in memory that the processes share.
struct FleetCounts {
  std::atomic<int> counted{0}, late{0}, opened{0}, troubles{0};
  std::atomic<uint64_t> exchanges{0}, conflicts{0}, most_tries{0};

  void add(const CasStore::Counters& counters) {
    exchanges += counters.exchanges;
    conflicts += counters.conflicts;
    uint64_t most = most_tries;
    while (counters.most_tries > most && !most_tries.compare_exchange_weak(most, counters.most_tries)) {
    }
  }
};

inline const Policy hundred_failures{.failure_threshold = 100, .recovery_timeout = std::chrono::minutes(10)};

inline std::unique_ptr<CasStore> store_of_instance(const OpenStore& open, int instance) {
  return std::make_unique<CasStore>(
      open(), hundred_failures,
      CasStore::Settings{.instance = "Instance-" + std::to_string(instance), .timeout = std::chrono::seconds(20)});
}

// A caller of a dead upstream that asks the store for each step.
inline void call_until_rejected(CasStore& store, const std::string& breaker, FleetCounts& counts) {
  const auto ask = [&](const Event& event) {
    const StoreResult result = store.apply(breaker, {}, {event});
    if (const auto* answer = std::get_if<Answer>(&result)) return answer->replies.at(0);
    counts.troubles += 1;
    return Reply{.kind = Reply::Kind::rejected};
  };
  while (true) {
    const Reply permit = ask(Acquire{});
    if (permit.kind != Reply::Kind::admitted) return;
    const Reply settled = ask(Settle{permit.permit, {Outcome::failure}});
    counts.counted += settled.kind == Reply::Kind::settled ? 1 : 0;
    counts.late += settled.kind == Reply::Kind::late ? 1 : 0;
    for (const Transition& transition : settled.transitions) counts.opened += transition.to == State::open ? 1 : 0;
  }
}

inline void fail_until_rejected(Breaker& breaker) {
  while (true) {
    Admission admission = breaker.acquire();
    auto* permit = std::get_if<Permit>(&admission);
    if (permit == nullptr) return;
    permit->settle(Outcome::failure);
  }
}

inline void check_opened_once(const OpenStore& open, const std::string& breaker, const FleetCounts& counts) {
  const auto store = open();
  const Found found = read_record(*store, breaker);
  CHECK(found.record.snapshot.state == State::open);
  CHECK(found.record.snapshot.counts.failures == hundred_failures.failure_threshold);
  CHECK(counts.opened == 1);
  CHECK(counts.troubles == 0);
  CHECK(counts.most_tries <= 30);
  MESSAGE(store->name() << ", " << breaker << ": " << counts.exchanges.load() << " exchanges, "
                        << counts.conflicts.load() << " conflicts, at most " << counts.most_tries.load() << " tries");
}

inline void check_threads_by_themselves(const OpenStore& open, const std::string& breaker,
                                        const std::function<void(const EachInstance&)>& run) {
  const Shared<FleetCounts> counts;
  run([&](int instance) {
    const auto store = store_of_instance(open, instance);
    on_all_threads([&](int) { call_until_rejected(*store, breaker, *counts); });
    counts->add(store->counters());
  });
  CHECK(counts->counted == hundred_failures.failure_threshold);
  CHECK(counts->late < workers);  // in flight at the trip
  check_opened_once(open, breaker, *counts);
}

inline void check_instances(const OpenStore& open, const std::string& breaker,
                            const std::function<void(const EachInstance&)>& run) {
  const Shared<FleetCounts> counts;
  run([&](int instance) {
    auto owned = store_of_instance(open, instance);
    const CasStore& store = *owned;
    const auto count_openings = [&](const Notice& notice) {
      if (notice.kind == NoticeKind::transition && notice.to == State::open) counts->opened += 1;
    };
    FallbackBreaker shared(
        std::make_shared<const SharedBreakerGroup>(std::move(owned), hundred_failures, count_openings),
        Identity{breaker});
    on_all_threads([&](int) { fail_until_rejected(shared); });
    counts->troubles += static_cast<int>(shared.detailed_status().store.errors);
    counts->add(store.counters());
  });
  check_opened_once(open, breaker, *counts);
}

// `prefix`: of the names of breakers that the store does not have yet.
inline void check_store_fleet(const OpenStore& open, const std::string& prefix,
                              const std::function<void(const EachInstance&)>& run = in_processes) {
  check_threads_by_themselves(open, prefix + "/threads", run);
  check_instances(open, prefix + "/instances", run);
}

}  // namespace cb
