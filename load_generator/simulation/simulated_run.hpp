// Plays a scenario in virtual time: the same file, load, upstream and faults, with simulated instances in one process.
// Returns the same record as a run with real programs, to be measured and judged alike. The same seed gives the same
// bytes. Single-threaded; several may run at once.
// Errors: std::invalid_argument naming file and setting.
#pragma once

#include <cstdint>

#include "load_generator/record/run_record.hpp"
#include "load_generator/scenario/scenario.hpp"
#include "load_generator/simulation/network.hpp"

namespace simulation {

struct Simulated {
  load::Run run;
  uint64_t events = 0;
  double seconds = 0;  // of virtual time
  uint64_t redis_commands = 0;
};

// Above this many instances, as many as a run can list, none is polled. Then, and above load::most_calls, calls that
// changed nothing are counted, not listed.
constexpr size_t most_polled_instances = 26;

Simulated simulate(const load::Scenario& scenario, const load::Variant& variant, uint64_t seed);

}  // namespace simulation
