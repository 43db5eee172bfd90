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

// Shows a fleet's lanes in the terminal, without colours where NO_COLOR is set, while somebody else may be loading it;
// in a pipe a line a second, and one for each transition. Until Ctrl-C: 0, as that is the only end it has.
int watch_command(const WatchOptions& options, const program::StopSignal& stop);

}  // namespace load
