// TrafficCounts holds how much reached the upstream lately, in steps of half a second from the start: requests that it
// received, those that did not succeed (both by its ledger), and calls that the instances blocked.
// Counters that are read now and then become steps: each difference counts for the step in which it was read. A ledger
// counter that fell was reset, and counts from zero. Bounded memory. Not thread-safe.
#pragma once

#include <cstddef>
#include <deque>
#include <optional>
#include <vector>

#include "load_generator/record/run_record.hpp"

namespace load {

class TrafficCounts {
 public:
  static constexpr Offset step = std::chrono::milliseconds(500);
  static constexpr size_t most_steps = 241;  // two minutes, and the current one

  struct Step {
    uint64_t upstream_calls = 0;
    uint64_t upstream_failures = 0;
    uint64_t blocked = 0;
  };

  explicit TrafficCounts(size_t targets) : blocked_(targets) {}

  // In order of time. `blocked` of a target never falls: it is summed over restarts.
  void record_ledger(Offset now, const Ledger& ledger);
  void record_blocked(Offset now, size_t target, uint64_t blocked);

  void advance_to(Offset now);  // adds empty steps up to the one that contains `now`
  size_t first_step() const { return first_; }
  const std::deque<Step>& steps() const { return steps_; }

 private:
  // What was added to a counter since its last reading; nothing at the first.
  static uint64_t added(std::optional<uint64_t>& last, uint64_t count);

  size_t first_ = 0;
  std::deque<Step> steps_;
  std::optional<uint64_t> received_;
  std::optional<uint64_t> failed_;
  std::vector<std::optional<uint64_t>> blocked_;  // by target
};

}  // namespace load
