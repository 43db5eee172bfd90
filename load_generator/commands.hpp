// The things that load_generator does. Each returns the program's exit code.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "load_generator/api/default_targets.hpp"
#include "load_generator/chaos/chaos_plan.hpp"
#include "load_generator/load/engine.hpp"
#include "load_generator/scenario/scenario.hpp"
#include "program/stop_signal.hpp"

namespace load {

constexpr int interrupted = 130;  // as a shell reports a program that Ctrl-C ended

struct RunOptions {
  std::vector<std::string> targets = default_targets;
  std::string upstream = default_upstream;
  LoadSettings load;
  std::string out;             // empty: no file
  std::optional<int> ui_port;  // for a page that shows the run, and stays until Ctrl-C
};

// Loads instances that somebody else has started. 0, or 130 after Ctrl-C.
int run_command(const RunOptions& options, const program::StopSignal& stop);

struct ScenarioOptions {
  std::string scenario;  // NAME or FILE
  std::string variant;   // or stage; empty: each one that the scenario expects something of, then side by side
  std::string out;       // of one variant only; empty: runs/NAME-VARIANT.json beside the folder of the binaries
};

// 0 where every prediction held, 1 where one did not, 130 after Ctrl-C.
int scenario_command(const ScenarioOptions& options, const program::StopSignal& stop);

struct CompareOptions {
  std::vector<std::string> files;
  std::string html;  // empty: no report
};

// 0 where every prediction of every run held, 1 where one did not.
int compare_command(const CompareOptions& options);

struct UiOptions {
  int port = 8080;
  std::vector<std::string> targets = default_targets;
  std::string upstream = default_upstream;
  double rate = 0;    // at which the page begins
  std::string stage;  // distributed or redis: a fleet of its own; empty: instances that somebody else has started
  size_t instances = 3;
};

// Shows a page until a stop signal. 0.
int ui_command(const UiOptions& options, const program::StopSignal& stop);

struct ChaosOptions {
  ChaosSettings settings;
  std::string out;  // empty: runs/chaos-SEED.json beside the folder of the binaries
};

// 0 where everything held that must hold, 1 where something did not, 130 after Ctrl-C.
int chaos_command(const ChaosOptions& options, const program::StopSignal& stop);

}  // namespace load
