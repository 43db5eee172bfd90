// What matters for a store that is reached over a network, beside the contract of every store.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <memory>
#include <string>

#include "redis_breaker/tests/forked_workers_for_test.hpp"
#include "store_breaker/cas_store.hpp"
#include "store_breaker/tests/store_contract_for_test.hpp"

namespace cb {

// Empty: there was none.
template <class Value>
std::string trouble_of(const std::variant<Value, StoreTrouble>& result) {
  const auto* trouble = std::get_if<StoreTrouble>(&result);
  return trouble == nullptr ? "" : trouble->what;
}

inline void check_longest_record(RecordStore& store, const std::string& breaker) {
  Record record = record_of_version(50);
  record.last_failure = TimePoint(std::chrono::microseconds(1'707'652'212'250'001));
  for (uint64_t i = 0; i < 100; ++i)
    record.reporters.push_back({std::string(240, 'i') + "\"\\é#" + std::to_string(i), record.last_failure});
  for (uint64_t i = 0; i < 800; ++i) record.snapshot.probes.push_back({1'000'000'000'000 + i, record.last_failure});
  REQUIRE(to_text(record).size() > longest_record * 3 / 4);
  REQUIRE(to_text(record).size() < longest_record);
  CHECK(write_record(store, breaker, 0, record) == Written::yes);
  CHECK(read_record(store, breaker).record == record);
}

// `put` writes a text in place of the breaker's record.
inline void check_garbage(RecordStore& store, const std::string& breaker,
                          const std::function<void(const std::string& text)>& put) {
  write_record(store, breaker, 0, 50);
  put("banana");
  const Found garbage = read_record(store, breaker);
  CHECK(garbage.fault == R"(the record held "banana")");
  CHECK(write_record(store, breaker, garbage.version, 51) == Written::yes);
  CHECK(read_record(store, breaker).record == record_of_version(51));
}

// What 24 threads in 3 processes see that share breakers, in memory that they share.
struct Contention {
  std::atomic<int> opened{0}, troubles{0};
  std::atomic<uint64_t> exchanges{0}, conflicts{0}, most_tries{0};
};

constexpr int failures_per_thread = 5;

// Each thread reports its failures one by one, without combining them: the hardest case. Each process opens its store.
inline void report_failures(const std::function<std::shared_ptr<RecordStore>()>& open, const std::string& breaker,
                            const Policy& policy, uint64_t generation, Contention& seen) {
  const auto codes = exit_codes_of([&](int process) {
    CasStore store(open(), policy,
                   {.instance = "process-" + std::to_string(process), .timeout = std::chrono::seconds(30)});
    on_all_threads([&](int) {
      for (int i = 0; i < failures_per_thread; ++i) {
        const auto result = store.apply(breaker, {}, {Settle{{generation, 0}, {Outcome::failure}}});
        const auto* answer = std::get_if<Answer>(&result);
        if (answer == nullptr) ++seen.troubles;
        if (answer == nullptr) continue;
        for (const Transition& each : answer->replies.front().transitions)
          seen.opened += each.to == State::open ? 1 : 0;
      }
    });
    const CasStore::Counters counters = store.counters();
    seen.exchanges += counters.exchanges;
    seen.conflicts += counters.conflicts;
    uint64_t most = seen.most_tries;
    while (counters.most_tries > most && !seen.most_tries.compare_exchange_weak(most, counters.most_tries)) {
    }
    return 0;
  });
  for (const int code : codes) CHECK(code == 0);
}

// All failures but one leave the circuit closed with exactly that count; the last one opens it.
inline void check_exactness_under_contention(const std::function<std::shared_ptr<RecordStore>()>& open,
                                             const std::string& breaker) {
  constexpr int reported = workers * failures_per_thread;
  const Policy policy{.failure_threshold = reported + 1, .recovery_timeout = std::chrono::minutes(10)};
  // Closed again before the processes are forked, which need a parent without threads.
  const auto ask = [&](const Event& event) {
    CasStore store(open(), policy, {.instance = "asker", .timeout = std::chrono::seconds(30)});
    return require_result<Answer>(store.apply(breaker, {}, {event}));
  };
  const uint64_t generation = ask(Acquire{}).generation;
  const Shared<Contention> shared;
  Contention& seen = *shared;
  report_failures(open, breaker, policy, generation, seen);
  CHECK(seen.troubles == 0);
  CHECK(seen.opened == 0);
  CHECK(ask(Tick{}).failures == reported);
  CHECK(ask(Settle{{generation, 0}, {Outcome::failure}}).state == State::open);
  CHECK(seen.most_tries <= 30);
  MESSAGE(seen.exchanges.load(), " failures of ", workers, " threads in ", processes,
          " processes: ", seen.conflicts.load(), " conflicts, at most ", seen.most_tries.load(), " tries for one");
}

}  // namespace cb
