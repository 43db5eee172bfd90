// TrafficCounts holds how much reached the upstream lately, in steps of half a second from the start: requests that it
// received, those that did not succeed, and those of them that it left without an answer (by its ledger); and calls
// that the instances blocked, and those that got no answer (by their counts). Counters that are read now and then
// become steps: each difference counts for the step in which it was read. A ledger counter that fell was reset, and
// counts from zero. Bounded memory. Not thread-safe.
#pragma once

#include <cstddef>
#include <deque>
#include <optional>
#include <vector>

#include "load_generator/api/instance_api.hpp"
#include "load_generator/record/run_record.hpp"

namespace load {

class TrafficCounts {
 public:
  static constexpr Offset step = std::chrono::milliseconds(500);
  static constexpr size_t most_steps = 241;  // two minutes, and the current one

  struct Step {
    uint64_t upstream_calls = 0;
    uint64_t upstream_failures = 0;    // the unanswered ones too
    uint64_t upstream_unanswered = 0;  // left hanging or dropped
    uint64_t unanswered = 0;
    uint64_t blocked = 0;
  };

  explicit TrafficCounts(size_t targets) : blocked_(targets), unanswered_(targets) {}

  // In order of time. The counts of a target never fall: they are summed over restarts.
  void record_ledger(Offset now, const Ledger& ledger);
  void record_calls(Offset now, size_t target, const CallCounts& calls);

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
  std::optional<uint64_t> silent_;
  std::vector<std::optional<uint64_t>> blocked_;  // by target
  std::vector<std::optional<uint64_t>> unanswered_;
};

}  // namespace load
