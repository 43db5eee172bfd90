// Percentiles of the calls' latencies, by outcome. Pure.
#pragma once

#include <optional>

#include "load_generator/record/run_record.hpp"

namespace load {

// In milliseconds, by nearest rank.
struct Latencies {
  double p50 = 0;
  double p90 = 0;
  double p99 = 0;
  double max = 0;
};

// Nothing if no call had this outcome.
std::optional<Latencies> latencies(const Run& run, CallStatus status);

}  // namespace load
