// What the shared breaker costs and how quickly a fleet agrees, measured. Each figure compares within one run what it
// compares, and is a median or a count: machines are noisy.
// Errors: throw std::runtime_error where Redis does not do its part.
#pragma once

#include <algorithm>
#include <chrono>
#include <string>

#include "redis_breaker/benchmark/figure_table.hpp"
#include "redis_breaker/redis/client.hpp"

namespace cb {

// How much is measured: 1 is all, less is quicker and rougher.
struct Effort {
  double share = 1;
  int of(int full) const { return std::max(1, static_cast<int>(full * share)); }
  std::chrono::milliseconds of(std::chrono::milliseconds full) const {
    return std::max(std::chrono::milliseconds(100),
                    std::chrono::duration_cast<std::chrono::milliseconds>(full * share));
  }
};

// A server is slow where others use the machine too; that is not to be taken for one that is away.
constexpr std::chrono::seconds redis_patience{5};

struct Benchmark {
  FigureTable table{};
  std::string url;
  Effort effort{};
};

void measure_commands(Benchmark& benchmark);       // what healthy calls send
void measure_healthy_calls(Benchmark& benchmark);  // against the breaker in memory
void measure_failing_calls(Benchmark& benchmark);  // against the script alone
void measure_agreement(Benchmark& benchmark);      // from a trip until all reject, and what slips through
void measure_end_of_break(Benchmark& benchmark);   // a thousand callers want to probe
void measure_scale(Benchmark& benchmark);          // 1 to 100 instances

}  // namespace cb
