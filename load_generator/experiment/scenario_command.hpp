// `load_generator scenario`: plays an experiment against one variant, or against all of them, side by side.
#pragma once

#include <string>

#include "load_generator/experiment/picture.hpp"
#include "program/stop_signal.hpp"

namespace load {

struct ScenarioOptions {
  std::string scenario;  // name of a shipped one, or a file
  std::string variant;   // or stage; empty: each one that the scenario has expectations for, then side by side
  Detail detail = Detail::picture;  // of all; one variant always has its whole report
  std::string out;  // with a variant only; empty: runs/NAME-VARIANT.json beside the folder of the binaries
};

// The exit code: 0 if every prediction held, else 1; 130 after Ctrl-C.
int scenario_command(const ScenarioOptions& options, const program::StopSignal& stop);

}  // namespace load
