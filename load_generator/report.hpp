// The final report of a run, for a person: at most 80 columns, no colours, so that it reads the same in a pipe.
#pragma once

#include <optional>
#include <string>

#include "load_generator/run.hpp"

namespace load {

// In milliseconds, by nearest rank.
struct Latencies {
  double p50 = 0;
  double p90 = 0;
  double p99 = 0;
  double max = 0;
};

// Nothing where no call ended so.
std::optional<Latencies> latencies(const Run& run, CallStatus status);

std::string report(const Run& run);

}  // namespace load
