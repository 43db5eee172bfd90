#pragma once

#include <string>
#include <vector>

#include "load_generator/api/default_targets.hpp"
#include "program/stop_signal.hpp"

namespace load {

struct WatchOptions {
  std::vector<std::string> targets = default_targets;
  std::string upstream = default_upstream;
};

// Draws a fleet's lanes in the terminal, without colours if NO_COLOR is set; into a pipe it prints a line a second and
// one for each transition. It sends no load. Runs until Ctrl-C, or in a terminal until the key q; both are the way to
// leave, so it returns 0.
int watch_command(const WatchOptions& options, const program::StopSignal& stop);

}  // namespace load
