// Plays one scenario against one variant: from the start of its programs to a judged run. A StartedScenario does it in
// two steps, so that several can be played at the same time.
#pragma once

#include <string>
#include <vector>

#include "load_generator/fleet/fleet.hpp"
#include "load_generator/load/run_observer.hpp"
#include "load_generator/report/run_file.hpp"
#include "load_generator/scenario/scenario.hpp"
#include "program/stop_signal.hpp"

namespace load {

// The names of the scenarios in a folder, sorted: its regular files NAME.json that are not hidden.
std::vector<std::string> scenarios_in(const std::string& folder);

// The folder of the shipped scenarios, and their names.
std::string scenarios_folder();
std::vector<std::string> shipped_scenarios();

// The path of the shipped scenario `name`, or `name` itself if it is a file. Throws std::invalid_argument that lists
// the shipped ones if it is neither.
std::string scenario_path(const std::string& name);

// Starts the scenario's programs, plays it, and judges it. The observer follows the run; stage `simple` has no fleet,
// and calls none of its methods. Main thread only. Throws std::invalid_argument if a program refuses the variant's
// settings; std::runtime_error if one does not start for another reason, the upstream refuses the plan or an instance
// the override.
FinishedRun run_scenario(const Scenario& scenario, const Variant& variant, const program::StopSignal& stop,
                         RunObserver& observer);

// A scenario whose programs run, of any stage but `simple`. Scenario and variant outlive it.
class StartedScenario {
 public:
  StartedScenario(const Scenario& scenario, const Variant& variant)
      : scenario_(scenario), variant_(variant), fleet_(scenario, variant) {}  // main thread only; throws as above

  // Once, on any thread.
  FinishedRun play(const program::StopSignal& stop, RunObserver& observer);

 private:
  Run run(const program::StopSignal& stop, RunObserver& observer);

  const Scenario& scenario_;
  const Variant& variant_;
  Fleet fleet_;
};

}  // namespace load
