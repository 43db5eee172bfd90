// Measures what the shared breaker costs and how quickly a fleet agrees. Each figure compares within one run, and is a
// median or a count, because machines are noisy.
// Errors: throws std::runtime_error if Redis fails.
#pragma once

#include <algorithm>
#include <chrono>
#include <string>

#include "redis_breaker/benchmark/figure_table.hpp"
#include "redis_breaker/redis/client.hpp"

namespace cb {

// The share of the full measurement: 1 is all, less is quicker and less precise.
struct Effort {
  double share = 1;
  int of(int full) const { return std::max(1, static_cast<int>(full * share)); }
  std::chrono::milliseconds of(std::chrono::milliseconds full) const {
    return std::max(std::chrono::milliseconds(100),
                    std::chrono::duration_cast<std::chrono::milliseconds>(full * share));
  }
};

// On a busy machine Redis may be slow, which must not count as an outage.
constexpr std::chrono::seconds redis_patience{5};

struct Benchmark {
  FigureTable table{};
  std::string url;
  Effort effort{};
};

void measure_stores(Benchmark& benchmark);         // naive, scripted, cached: side by side
void measure_commands(Benchmark& benchmark);       // what healthy calls send
void measure_healthy_calls(Benchmark& benchmark);  // compared with the breaker in memory
void measure_failing_calls(Benchmark& benchmark);  // compared with the bare script
void measure_agreement(Benchmark& benchmark);      // from a trip until all reject, and the calls admitted meanwhile
void measure_end_of_break(Benchmark& benchmark);   // a thousand callers want to probe
void measure_scale(Benchmark& benchmark);          // 1 to 100 instances

}  // namespace cb
