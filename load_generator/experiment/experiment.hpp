// Plays one scenario against one variant, from an empty desk to a judged run.
#pragma once

#include <functional>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "load_generator/api/instance_api.hpp"
#include "load_generator/load/live_lines.hpp"
#include "load_generator/record/run_record.hpp"
#include "load_generator/report/run_file.hpp"
#include "load_generator/scenario/scenario.hpp"
#include "program/stop_signal.hpp"

namespace load {

// For somebody who wants to see the run while it is on; called on its thread. Empty ones are not called, and stage
// `simple` calls none: it has no fleet.
struct ScenarioObserver {
  std::function<void(const std::vector<Target>&, const std::string& upstream)> fleet_is_up;  // may throw, as tick
  std::function<void(Offset now)> tick;  // about ten times a second; what it throws ends the run, and comes out
  std::function<void(size_t target, const std::optional<InstanceStatus>&)> status;  // as often as they are asked
  std::function<void()> load_is_over;                                               // the fleet is about to end
};

// The names of the scenarios in a folder, in order: its regular files NAME.json that are not hidden.
std::vector<std::string> scenarios_in(const std::string& folder);

// Where the shipped ones lie, and those.
std::string scenarios_folder();
std::vector<std::string> shipped_scenarios();

// Where the shipped scenario NAME lies, or NAME itself where that is a file. Throws std::invalid_argument listing the
// shipped ones where it is neither.
std::string scenario_path(const std::string& name);

// Throws std::invalid_argument where a program refuses the variant's settings, and std::runtime_error where one does
// not start for another reason, the upstream refuses the plan or an instance the override. Main thread only.
Run run_scenario(const Scenario& scenario, const Variant& variant, const program::StopSignal& stop, std::ostream& out,
                 Screen screen, const ScenarioObserver& observer = {});

Summary summary_of(const Scenario& scenario, const Variant& variant, const Run& run);

}  // namespace load
