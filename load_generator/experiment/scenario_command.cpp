#include "load_generator/experiment/scenario_command.hpp"

#include <iostream>
#include <stdexcept>

#include "load_generator/experiment/experiment.hpp"
#include "load_generator/fleet/fleet.hpp"
#include "load_generator/load/live_lines.hpp"
#include "load_generator/record/text.hpp"
#include "load_generator/report/compare.hpp"
#include "load_generator/report/report.hpp"

namespace load {
namespace {

std::vector<Variant> requested_variants(const ScenarioOptions& options, const Scenario& scenario) {
  if (options.variant.empty()) return scenario.variants;
  if (const Variant* variant = find_variant(scenario, options.variant)) return {*variant};
  throw std::invalid_argument("scenario " + scenario.name + " has no expectations for '" +
                              printable(options.variant, 64) + "'; --stage is one of " + variant_names(scenario));
}

bool all_hold(const FinishedRun& finished) {
  return all_hold(finished.summary.expectations, finished.summary.measures);
}

// Once, and up to twice more if a prediction did not hold and the machine was too busy for the run to mean anything.
FinishedRun play(const Scenario& scenario, const Variant& variant, const program::StopSignal& stop) {
  for (int tries_left = 2;; --tries_left) {
    LiveLines lines(std::cout, screen_of_standard_output(), scenario.load.duration);
    std::cout << scenario.name << ", " << variant.name << "\n" << std::flush;
    FinishedRun finished = run_scenario(scenario, variant, stop, lines);
    if (finished.run.interrupted || all_hold(finished)) return finished;
    const std::string& noise = finished.summary.machine_noise;
    if (!noise.empty())
      std::cout << "\n" << failed_verdicts(finished.summary) << "this machine was too busy: " << noise << "\n";
    if (noise.empty() || tries_left == 0) return finished;
    std::cout << "so it is played again\n\n" << std::flush;
  }
}

int play_one(const ScenarioOptions& options, const Scenario& scenario, const Variant& variant,
             const program::StopSignal& stop) {
  const FinishedRun finished = play(scenario, variant, stop);
  std::cout << report(finished.run) << "\n";
  if (finished.run.interrupted) return program::interrupted;
  const std::string path = options.out.empty() ? run_path(run_name(finished.summary)) : options.out;
  write_run_file(path, finished);
  std::cout << verdicts(finished.summary) << "written to " << path << "\n";
  return all_hold(finished) ? 0 : 1;
}

int play_all(const Scenario& scenario, const std::vector<Variant>& variants, const program::StopSignal& stop) {
  std::vector<Summary> summaries;
  for (const Variant& variant : variants) {
    const FinishedRun finished = play(scenario, variant, stop);
    if (finished.run.interrupted) return program::interrupted;
    write_run_file(run_path(run_name(finished.summary)), finished);
    summaries.push_back(finished.summary);
    std::cout << "\n";
  }
  std::cout << comparison(summaries);
  return every_expectation_held(summaries) ? 0 : 1;
}

}  // namespace

int scenario_command(const ScenarioOptions& options, const program::StopSignal& stop) try {
  const Scenario scenario = read_scenario(scenario_path(options.scenario));
  const std::vector<Variant> variants = requested_variants(options, scenario);
  std::cout << wrapped(scenario.question, 80, "") << "\n\n" << std::flush;
  return options.variant.empty() ? play_all(scenario, variants, stop)
                                 : play_one(options, scenario, variants.front(), stop);
} catch (const std::runtime_error&) {
  if (stop.requested()) return program::interrupted;  // Ctrl-C reaches the children too, and what needs them then fails
  throw;
}

}  // namespace load
