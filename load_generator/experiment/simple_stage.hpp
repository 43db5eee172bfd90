// Stage 1 has no servers to load: simple_breaker makes its calls itself, on a virtual clock. Its file becomes a Run
// like any other, so that the same measures and predictions apply. The ledger is made from its own counts: there is no
// separate upstream.
#pragma once

#include <string>

#include "load_generator/record/run_record.hpp"
#include "load_generator/scenario/scenario.hpp"
#include "program/stop_signal.hpp"

namespace load {

Run run_simple_stage(const Scenario& scenario, const Variant& variant, const program::StopSignal& stop);

// Throws std::invalid_argument that names file and field.
Run read_simple_file(const std::string& path);

}  // namespace load
