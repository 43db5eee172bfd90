// Plays one scenario against one variant, from an empty desk to a judged run.
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

// Throws std::invalid_argument where a program refuses the variant's settings, and std::runtime_error where one does
// not start for another reason, the upstream refuses the plan or an instance the override. Main thread only.
Run run_scenario(const Scenario& scenario, const Variant& variant, const program::StopSignal& stop, std::ostream& out,
                 Screen screen);

Summary summary_of(const Scenario& scenario, const Variant& variant, const Run& run);

}  // namespace load
