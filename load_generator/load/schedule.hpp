// A schedule gives, before the load starts, each call's due time and target. It does not depend on answers: that is
// what "open loop" means. The same settings and seed give the same schedule on every machine.
#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

#include "load_generator/record/run_record.hpp"

namespace load {

enum class Arrivals { uniform, poisson };  // poisson: independent callers, so calls come in bursts
enum class Spread { round_robin, random };

struct LoadSettings {
  double rate = 10;  // calls per second, over all targets
  std::chrono::milliseconds duration{10'000};
  Arrivals arrivals = Arrivals::uniform;
  Spread spread = Spread::round_robin;
  int burst = 1;  // calls that share one due time; does not change the rate
  uint64_t seed = 1;
};

constexpr double most_calls = 1'000'000;  // in one run; each is kept in memory
constexpr double most_simulated_calls = 100'000'000;

struct PlannedCall {
  Offset due{0};
  size_t target = 0;
  bool operator==(const PlannedCall&) const = default;
};

// In order of time. Throws std::invalid_argument that names an invalid setting.
std::vector<PlannedCall> plan_calls(const LoadSettings& settings, size_t targets, double most = most_calls);

}  // namespace load
