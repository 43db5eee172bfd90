// How much reached the upstream lately, in steps of half a second from the start: what it received, what of that did
// not succeed (both by its ledger), and what the instances blocked. Counts that are read now and then become steps:
// each difference counts for the step in which it was read; a ledger's count that fell began anew, as its program did,
// and instances' counts are their sums over restarts. Holds a bounded number of steps, whatever comes. Not thread-safe.
#pragma once

#include <array>
#include <cstddef>
#include <deque>
#include <optional>
#include <vector>

#include "load_generator/record/run_record.hpp"

namespace load {

class LiveTraffic {
 public:
  static constexpr Offset step = std::chrono::milliseconds(500);
  static constexpr size_t most_steps = 241;  // two minutes, and the one that is not over

  struct Step {
    uint64_t upstream_calls = 0;
    uint64_t upstream_failures = 0;
    uint64_t blocked = 0;
  };

  explicit LiveTraffic(size_t targets) : blocked_(targets) {}

  // In order of time.
  void read_ledger(Offset now, const Ledger& ledger);
  void read_blocked(Offset now, size_t target, uint64_t blocked);

  // Steps up to the one that holds `now`, which may be empty.
  void go_on_to(Offset now);
  size_t first_step() const { return first_; }
  const std::deque<Step>& steps() const { return steps_; }

 private:
  // What was added to a count since it was read last; nothing the first time.
  static uint64_t added(std::optional<uint64_t>& last, uint64_t count);

  size_t first_ = 0;
  std::deque<Step> steps_;
  std::optional<uint64_t> received_;
  std::optional<uint64_t> failed_;
  std::vector<std::optional<uint64_t>> blocked_;  // by target
};

}  // namespace load
