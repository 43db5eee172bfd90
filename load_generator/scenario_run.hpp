// Runs one scenario against one stage, from an empty desk to a judged run.
#pragma once

#include <ostream>
#include <string>

#include "load_generator/live_lines.hpp"
#include "load_generator/run.hpp"
#include "load_generator/run_file.hpp"
#include "load_generator/scenario.hpp"
#include "program/stop_signal.hpp"

namespace load {

// Where the shipped scenario NAME lies, or NAME itself where that is a file. Throws std::invalid_argument listing the
// shipped ones where it is neither.
std::string scenario_path(const std::string& name);

// The scenario expects something of the stage. Throws std::invalid_argument where the stage cannot play it, and
// std::runtime_error where a program does
// not start or the upstream refuses the plan. Main thread only.
Run run_scenario(const Scenario& scenario, Stage stage, const program::StopSignal& stop, std::ostream& out,
                 Screen screen);

Summary summary_of(const Scenario& scenario, Stage stage, const Run& run);

}  // namespace load
