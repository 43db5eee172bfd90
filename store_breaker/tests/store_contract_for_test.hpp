// What every store must do, whatever keeps its records. A store's test calls check_store_contract().
#pragma once

#include <doctest/doctest.h>

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "store_breaker/record_store.hpp"

namespace cb {

inline StoreDeadline in_five_seconds() { return std::chrono::steady_clock::now() + std::chrono::seconds(5); }

inline Record record_of_version(uint64_t version) {
  Record record{.version = version};
  record.snapshot.generation = 7;
  return record;
}

// Not a single value is zero or empty.
inline Record full_record(uint64_t version) {
  const auto at = [](int64_t count) { return TimePoint(std::chrono::microseconds(count)); };
  Record record{.version = version,
                .active_override = {Mode::forced_open, "ann", "deploy \"3\""},
                .reporters = {{"Instance-A#1", at(11)}, {"Instance-B#2", at(12)}},
                .failing_since = at(2),
                .last_failure = at(1'707'652'212'250'001),
                .epoch = 3,
                .lost = 4,
                .run = 5,
                .found_empty_on = 6,
                .found_empty_at = at(7),
                .settings = "0123abcd",
                .settings_at = at(8),
                .written_at = at(9),
                .expires_at = at(4'000'000'000'000'000)};
  record.snapshot = {.state = State::half_open,
                     .generation = 20,
                     .counts = {21, {}, at(22)},
                     .break_length = std::chrono::microseconds(23),
                     .open_until = never,
                     .half_open_until = at(24),
                     .successes = 25,
                     .probes_granted = 26,
                     .probes = {{25, at(27)}, {26, at(28)}},
                     .lease_length = std::chrono::microseconds(29),
                     .timed_out = {30, 31},
                     .mode = Mode::forced_open,
                     .mode_until = at(32),
                     .mode_length = std::chrono::microseconds(33)};
  record.snapshot.counts.window.newest = 171;
  record.snapshot.counts.window.held[1] = {5, 4, 3};  // bucket 171
  record.snapshot.counts.window.held[9] = {2, 1, 0};  // bucket 169
  return record;
}

template <class Result, class Value>
Result require_result(std::variant<Value, StoreTrouble> result) {
  if (const auto* trouble = std::get_if<StoreTrouble>(&result)) FAIL(trouble->what);
  return std::get<Value>(std::move(result));
}

// Empty: there was none.
template <class Value>
std::string trouble_of(const std::variant<Value, StoreTrouble>& result) {
  const auto* trouble = std::get_if<StoreTrouble>(&result);
  return trouble == nullptr ? "" : trouble->what;
}

inline Found read_record(RecordStore& store, const std::string& breaker) {
  return require_result<Found>(store.read(breaker, in_five_seconds()));
}

inline Written write_record(RecordStore& store, const std::string& breaker, uint64_t expected, const Record& record) {
  return require_result<Written>(store.compare_and_set(breaker, expected, record, in_five_seconds()));
}

inline Written write_record(RecordStore& store, const std::string& breaker, uint64_t expected, uint64_t version) {
  return write_record(store, breaker, expected, record_of_version(version));
}

inline void check_versions(RecordStore& store, const std::string& breaker) {
  CHECK(read_record(store, breaker).version == 0);
  CHECK(write_record(store, breaker, 49, 50) == Written::conflict);  // there is nothing to replace
  CHECK(write_record(store, breaker, 0, 50) == Written::yes);
  CHECK(write_record(store, breaker, 0, 51) == Written::conflict);
  CHECK(read_record(store, breaker).record == record_of_version(50));
  CHECK(write_record(store, breaker, 50, 40) == Written::yes);  // only equality counts
  CHECK(write_record(store, breaker, 50, 41) == Written::conflict);
  CHECK(write_record(store, breaker, 40, INT64_MAX) == Written::yes);
  CHECK(read_record(store, breaker).version == INT64_MAX);
  CHECK(read_record(store, breaker).run == read_record(store, breaker).run);
}

inline void check_whole_record(RecordStore& store, const std::string& breaker) {
  const std::string longest = breaker + "@" + std::string(300, 'x') + "-_./:[]";
  CHECK(write_record(store, longest, 0, full_record(9)) == Written::yes);
  const Found found = read_record(store, longest);
  CHECK(found.fault == "");
  CHECK(found.record == full_record(9));
  CHECK(read_record(store, longest + "x").version == 0);
}

// Each of 4 writers adds 1 to the failures 50 times.
inline void check_that_no_write_is_lost(RecordStore& store, const std::string& breaker) {
  CHECK(write_record(store, breaker, 0, 1) == Written::yes);
  std::atomic<uint64_t> versions{1};
  std::vector<std::thread> writers;
  for (int writer = 0; writer < 4; ++writer) {
    writers.emplace_back([&] {
      for (int added = 0; added < 50;) {
        Record record = std::get<Found>(store.read(breaker, in_five_seconds())).record;
        const uint64_t expected = record.version;
        record.version = ++versions;
        record.snapshot.counts.failures += 1;
        const auto written = store.compare_and_set(breaker, expected, record, in_five_seconds());
        if (std::get<Written>(written) == Written::yes) ++added;
      }
    });
  }
  for (std::thread& each : writers) each.join();
  CHECK(read_record(store, breaker).record.snapshot.counts.failures == 200);
}

inline bool has(const std::vector<RecordChange>& changes, const std::string& breaker) {
  for (const RecordChange& change : changes) {
    if (change.breaker == breaker) return true;
  }
  return false;
}

inline std::vector<RecordChange> next_changes(RecordWatch& watch) {
  return require_result<std::vector<RecordChange>>(watch.wait(in_five_seconds()));
}

inline void check_watch(RecordStore& store, const std::string& breaker) {
  const auto watch = require_result<std::unique_ptr<RecordWatch>>(store.watch());
  if (watch == nullptr) return;  // it is polled
  CHECK(write_record(store, breaker, 0, 50) == Written::yes);
  CHECK(has(next_changes(*watch), breaker));
  std::thread writer([&] { write_record(store, breaker, 50, 51); });
  CHECK(has(next_changes(*watch), breaker));
  writer.join();
  std::thread stopper([&] { watch->interrupt(); });
  const auto began = std::chrono::steady_clock::now();
  watch->wait(in_five_seconds());
  stopper.join();
  CHECK(std::chrono::steady_clock::now() - began < std::chrono::seconds(4));
}

// What matters for a store that keeps a record as text, in a server.
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

// `prefix`: of the names of breakers that the store does not have yet.
inline void check_store_contract(RecordStore& store, const std::string& prefix) {
  check_versions(store, prefix + "/versions");
  check_whole_record(store, prefix + "/whole");
  check_that_no_write_is_lost(store, prefix + "/lost");
  check_watch(store, prefix + "/watch");
  CHECK(store.name() != "");
}

}  // namespace cb
