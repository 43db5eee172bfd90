#include "load_generator/experiment/scenario_command.hpp"

#include <spdlog/fmt/fmt.h>

#include <iostream>
#include <memory>
#include <stdexcept>

#include "load_generator/experiment/experiment.hpp"
#include "load_generator/experiment/progress_line.hpp"
#include "load_generator/fleet/fleet.hpp"
#include "load_generator/fleet/proxies.hpp"
#include "load_generator/load/live_lines.hpp"
#include "load_generator/record/text.hpp"
#include "load_generator/report/compare.hpp"
#include "load_generator/report/report.hpp"

namespace load {
namespace {

// nullptr: all of them.
const Variant* requested_variant(const ScenarioOptions& options, const Scenario& scenario) {
  return options.variant.empty() ? nullptr : &require_variant(scenario, options.variant, "--stage is one of ");
}

bool all_hold(const FinishedRun& finished) {
  return all_hold(finished.summary.expectations, finished.summary.measures);
}

// One design's part of the experiment, and what is shown while it plays.
struct Performance {
  const Scenario& scenario;
  const Variant& variant;
  Detail detail;
  std::string place = {};  // " (2 of 3)"
};

std::unique_ptr<RunObserver> shown_while(const Performance& performance) {
  const std::string name = performance.scenario.name + ", " + performance.variant.name;
  const auto length = performance.scenario.load.duration;
  if (performance.detail == Detail::picture) {
    return std::make_unique<ProgressLine>(std::cout, canvas_of_standard_output(), name + performance.place, length);
  }
  std::cout << name << "\n" << std::flush;
  return std::make_unique<LiveLines>(std::cout, screen_of_standard_output(), length);
}

FinishedRun play_once(const Performance& performance, const program::StopSignal& stop) {
  const auto observer = shown_while(performance);
  return run_scenario(performance.scenario, performance.variant, stop, *observer);
}

// Once, and up to twice more if a prediction did not hold and the machine was too busy for the run to mean anything.
FinishedRun play(const Performance& performance, const program::StopSignal& stop) {
  for (int tries_left = 2;; --tries_left) {
    FinishedRun finished = play_once(performance, stop);
    if (finished.run.interrupted || all_hold(finished)) return finished;
    const std::string& noise = finished.summary.machine_noise;
    if (!noise.empty())
      std::cout << "\n" << failed_verdicts(finished.summary) << "this machine was too busy: " << noise << "\n";
    if (noise.empty() || tries_left == 0) return finished;
    std::cout << "so it is played again\n\n" << std::flush;
  }
}

// A program that is not there is no failed prediction.
bool is_skipped(const Variant& variant) {
  const std::string missing = missing_program(variant);
  if (!missing.empty()) std::cout << missing << "\n" << std::flush;
  return !missing.empty();
}

int play_one(const ScenarioOptions& options, const Scenario& scenario, const Variant& variant,
             const program::StopSignal& stop) {
  if (is_skipped(variant)) return 0;
  const FinishedRun finished = play({scenario, variant, Detail::everything}, stop);
  std::cout << report(finished.run) << "\n";
  if (finished.run.interrupted) return program::interrupted;
  const std::string path = options.out.empty() ? run_path(run_name(finished.summary)) : options.out;
  write_run_file(path, finished);
  std::cout << verdicts(finished.summary) << "written to " << path << "\n";
  return all_hold(finished) ? 0 : 1;
}

int play_all(const Scenario& scenario, Detail detail, const program::StopSignal& stop) {
  std::vector<Summary> summaries;
  size_t number = 0;
  for (const Variant& variant : scenario.variants) {
    ++number;
    if (is_skipped(variant)) continue;
    const std::string place = fmt::format(" ({} of {})", number, scenario.variants.size());
    const FinishedRun finished = play({scenario, variant, detail, place}, stop);
    if (finished.run.interrupted) return program::interrupted;
    write_run_file(run_path(run_name(finished.summary)), finished);
    summaries.push_back(finished.summary);
    if (detail == Detail::everything) std::cout << "\n";
  }
  if (summaries.empty()) return 0;
  const Canvas canvas = canvas_of_standard_output();
  if (canvas.screen == Screen::plain && detail == Detail::picture) std::cout << "\n";  // after the lines of progress
  std::cout << outcome(summaries, detail, canvas);
  return every_expectation_held(summaries) ? 0 : 1;
}

}  // namespace

int scenario_command(const ScenarioOptions& options, const program::StopSignal& stop) try {
  const Scenario scenario = read_scenario(scenario_path(options.scenario));
  const Variant* variant = requested_variant(options, scenario);
  std::cout << wrapped(scenario.question, 80, "") << "\n\n" << std::flush;
  return variant == nullptr ? play_all(scenario, options.detail, stop) : play_one(options, scenario, *variant, stop);
} catch (const std::runtime_error&) {
  if (stop.requested()) return program::interrupted;  // Ctrl-C reaches the children too, and what needs them then fails
  throw;
}

}  // namespace load
