// A Record is a breaker as a store keeps it between two writes: the snapshot that the transition table works on, and
// what the instances of a fleet have to know beside it. As text it is one JSON object, in which fields that are zero or
// empty are left out. Times are microseconds since 1970, durations microseconds; `state`, `failures` and `last_failure`
// (seconds) are named as the keys in Redis are.
// Pure values: no clock, no lock, no I/O; nothing here throws.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "simple_breaker/policies/override.hpp"
#include "simple_breaker/state_machine.hpp"

namespace cb {

// An instance, and when it last saw a failure: for minimum_reporting_instances.
struct Reporter {
  std::string instance;
  TimePoint at;
  bool operator==(const Reporter&) const = default;
};

struct Record {
  // Names this write: a random number, never 0. So none repeats, not even after a deletion, and after a lost answer a
  // writer recognizes its own write. Only equality means anything.
  uint64_t version = 0;

  Snapshot snapshot{};
  Override active_override{};         // its mode is that of the snapshot
  std::vector<Reporter> reporters{};  // of failures, the newest at the end; at most minimum_reporting_instances
  TimePoint failing_since{};          // when the failures in a row began; the epoch: there are none
  TimePoint last_failure{};           // the epoch: none yet
  uint64_t epoch = 0;                 // the generation with which this line of generations begins
  uint64_t lost = 0;                  // what callers know of another line counts only above this generation
  uint64_t run = 0;                   // of the store, in which this generation began (Found::run)
  uint64_t found_empty_on = 0;        // the store's run on which a caller that came from another one found nothing
  TimePoint found_empty_at{};         // and when
  std::string settings{};             // the fingerprint of the settings of the instance that wrote them last
  TimePoint settings_at{};            // and when
  TimePoint written_at{};             // by the store's clock, or by the fleet's
  TimePoint expires_at{};             // a store may remove the record then: long after its last use

  bool operator==(const Record&) const = default;
};

// No generation is later. It is in the year 2112, and leaves room for many more.
constexpr uint64_t latest_generation = 4'499'999'999'999'999;

constexpr size_t longest_record = 65'536;  // bytes of its text

std::string to_text(const Record& record);

// Nothing that is read is trusted. The string says what is wrong with the first impossible value, in one printable
// line: `state held "banana"`.
std::variant<Record, std::string> record_from(std::string_view text);

}  // namespace cb
