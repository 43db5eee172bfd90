// How long calls took, by outcome. Pure.
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

// Nothing where no call ended so.
std::optional<Latencies> latencies(const Run& run, CallStatus status);

}  // namespace load
