// `load_generator`: loads instances that are running already, and reports.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "load_generator/api/default_targets.hpp"
#include "load_generator/load/run_observer.hpp"
#include "load_generator/load/schedule.hpp"
#include "program/stop_signal.hpp"

namespace load {

struct RunOptions {
  std::vector<std::string> targets = default_targets;
  std::string upstream = default_upstream;
  LoadSettings load;
  std::string out;             // empty: no file
  std::optional<int> ui_port;  // for a page that shows the run and stays until Ctrl-C; see run_with_page_command()
};

// The observer follows the run, besides the lines on standard output. The exit code: 0, or 130 after Ctrl-C.
int run_command(const RunOptions& options, const program::StopSignal& stop, RunObserver& observer);

}  // namespace load
