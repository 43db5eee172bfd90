// `load_generator ui`, and the page beside a run (`--ui PORT`).
#pragma once

#include <string>
#include <vector>

#include "load_generator/api/default_targets.hpp"
#include "load_generator/report/run_command.hpp"
#include "program/stop_signal.hpp"

namespace load {

struct UiOptions {
  int port = 8080;
  std::vector<std::string> targets = default_targets;
  std::string upstream = default_upstream;
  double rate = 0;    // calls per second when the page opens
  std::string stage;  // distributed or redis: starts a fleet for the page; empty: instances that are running already
  size_t instances = 3;
};

// Serves a page until a stop signal. The exit code: 0.
int ui_command(const UiOptions& options, const program::StopSignal& stop);

// run_command() with a page on `options.ui_port` that shows the run, and stays until a stop signal.
int run_with_page_command(const RunOptions& options, const program::StopSignal& stop);

}  // namespace load
