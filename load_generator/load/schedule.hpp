// A schedule says, before the load begins, when each call is due and to which target. It never looks at an answer:
// that is what "open loop" means. The same settings and seed give the same schedule on every machine.
#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

#include "load_generator/record/run_record.hpp"

namespace load {

enum class Arrivals { uniform, poisson };  // poisson: independent callers, so calls come in clumps
enum class Spread { round_robin, random };

struct LoadSettings {
  double rate = 10;  // calls per second, over all targets
  std::chrono::milliseconds duration{10'000};
  Arrivals arrivals = Arrivals::uniform;
  Spread spread = Spread::round_robin;
  int burst = 1;  // calls that share one due time; the rate stays what it is
  uint64_t seed = 1;
};

constexpr double most_calls = 1'000'000;  // of one run; each is kept in memory

struct PlannedCall {
  Offset due{0};
  size_t target = 0;
  bool operator==(const PlannedCall&) const = default;
};

// In order of time. Throws std::invalid_argument naming the setting where it makes no sense.
std::vector<PlannedCall> plan_calls(const LoadSettings& settings, size_t targets);

}  // namespace load
