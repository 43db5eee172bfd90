// What 24 threads in 3 processes must find true of every store that they share, each process with its own connections.
#pragma once

#include <doctest/doctest.h>

#include <atomic>
#include <functional>
#include <memory>
#include <string>

#include "redis_breaker/tests/forked_workers_for_test.hpp"
#include "store_breaker/cas_store.hpp"

namespace cb {

// Counted independently of the breaker, in memory that the processes share.
struct FleetCounts {
  std::atomic<int> counted{0}, late{0}, opened{0}, troubles{0};
  std::atomic<uint64_t> exchanges{0}, conflicts{0}, most_tries{0};
};

// A caller of a dead upstream: until it is rejected.
inline void call_until_rejected(CasStore& store, const std::string& breaker, FleetCounts& counts) {
  while (true) {
    const StoreResult asked = store.apply(breaker, {}, {Acquire{}});
    if (std::holds_alternative<StoreTrouble>(asked)) return void(counts.troubles += 1);
    const Reply permit = std::get<Answer>(asked).replies.at(0);
    if (permit.kind != Reply::Kind::admitted) return;
    const StoreResult settled = store.apply(breaker, {}, {Settle{permit.permit, {Outcome::failure}}});
    if (std::holds_alternative<StoreTrouble>(settled)) return void(counts.troubles += 1);
    const Reply reply = std::get<Answer>(settled).replies.at(0);
    counts.counted += reply.kind == Reply::Kind::settled ? 1 : 0;
    counts.late += reply.kind == Reply::Kind::late ? 1 : 0;
    for (const Transition& transition : reply.transitions) counts.opened += transition.to == State::open ? 1 : 0;
  }
}

// `open` is called in each process.
inline void check_store_fleet(const std::function<std::shared_ptr<RecordStore>()>& open, const std::string& breaker) {
  constexpr int threshold = 100;
  const Shared<FleetCounts> shared;
  FleetCounts& counts = *shared;
  const Policy policy{.failure_threshold = threshold, .recovery_timeout = std::chrono::minutes(10)};
  const auto codes = exit_codes_of([&](int process) {
    CasStore store(open(), policy, {"Instance-" + std::to_string(process), std::chrono::seconds(20)});
    on_all_threads([&](int) { call_until_rejected(store, breaker, counts); });
    const CasStore::Counters counters = store.counters();
    counts.exchanges += counters.exchanges;
    counts.conflicts += counters.conflicts;
    uint64_t most = counts.most_tries;
    while (counters.most_tries > most && !counts.most_tries.compare_exchange_weak(most, counters.most_tries)) {
    }
    return 0;
  });
  for (const int code : codes) CHECK(code == 0);
  CHECK(counts.troubles == 0);
  CHECK(counts.counted == threshold);
  CHECK(counts.opened == 1);
  CHECK(counts.late < workers);  // in flight at the trip
  CHECK(counts.most_tries <= 30);
  MESSAGE(counts.exchanges.load() << " exchanges, " << counts.conflicts.load() << " conflicts, at most "
                                  << counts.most_tries.load() << " tries");
}

}  // namespace cb
