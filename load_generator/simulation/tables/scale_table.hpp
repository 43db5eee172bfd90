// `load_generator simulate scale`: one outage for fleets of 1 to 100,000 instances, with a breaker in each and with one
// in Redis: what the arithmetic says beside what happens, up to where one Redis ends.
#pragma once

#include <cstdint>
#include <vector>

#include "program/stop_signal.hpp"

namespace simulation {

struct ScaleOptions {
  std::vector<size_t> instances{1, 10, 100, 1000, 3000, 10'000, 100'000};
  uint64_t seed = 1;
};

// Prints row by row. The exit code: 0, or 130 after Ctrl-C.
int print_scale(const ScaleOptions& options, const program::StopSignal& stop);

}  // namespace simulation
