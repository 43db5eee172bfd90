// Stage 1 has no servers to load: simple_breaker tries by itself, on a virtual clock. Its file becomes a Run like any
// other, so that the same measures and predictions apply. It is one process, so its own word stands for the ledger.
#pragma once

#include <string>

#include "load_generator/record/run_record.hpp"
#include "load_generator/scenario/scenario.hpp"
#include "program/stop_signal.hpp"

namespace load {

Run run_simple_stage(const Scenario& scenario, const Variant& variant, const program::StopSignal& stop);

// Throws std::invalid_argument naming file and field.
Run read_simple_file(const std::string& path);

}  // namespace load
