#include "load_generator/simulation/simulate_command.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <iostream>
#include <optional>
#include <stdexcept>

#include "load_generator/experiment/experiment.hpp"
#include "load_generator/fleet/fleet.hpp"
#include "load_generator/record/text.hpp"
#include "load_generator/report/compare.hpp"
#include "load_generator/report/run_file.hpp"
#include "load_generator/simulation/against_real.hpp"
#include "load_generator/simulation/chaos/chaos_search.hpp"
#include "load_generator/simulation/seed_range.hpp"
#include "load_generator/simulation/simulated_run.hpp"
#include "load_generator/simulation/tables/border_table.hpp"
#include "load_generator/simulation/tables/scale_table.hpp"

namespace load {
namespace {

using SteadyClock = std::chrono::steady_clock;

// What was simulated, and how long it took.
struct Effort {
  double simulated_seconds = 0;
  uint64_t events = 0;
  SteadyClock::time_point begun = SteadyClock::now();
};

Settings read_changes(const std::vector<std::string>& changes) {
  Settings settings;
  for (const std::string& change : changes) {
    const size_t equals = change.find('=');
    if (equals == 0 || equals == std::string::npos)
      throw std::invalid_argument("--set '" + printable(change, 64) + "' is not NAME=VALUE");
    settings[change.substr(0, equals)] = change.substr(equals + 1);
  }
  return settings;
}

// Says what it leaves out.
Scenario without_proxies(Scenario scenario) {
  std::erase_if(scenario.variants, [&](const Variant& variant) {
    if (variant.proxy) std::cout << scenario.name << ", " << variant.name << ": a proxy cannot be simulated\n";
    return variant.proxy.has_value();
  });
  return scenario;
}

// The store of stage 4 is expected to do what Redis does, wherever the file has nothing else to say.
Variant chosen_variant(const Scenario& scenario, const std::string& name) {
  if (name != "store" || find_variant(scenario, name) != nullptr)
    return require_variant(scenario, name, "--designs are of ");
  Variant variant = require_variant(scenario, "redis", "--designs are of ");
  variant.name = name;
  variant.stage = Stage::store;
  return variant;
}

Stage stage_of_chaos(const SimulateOptions& options) {
  if (options.designs.empty() || options.designs == std::vector<std::string>{"redis"}) return Stage::redis;
  if (options.designs == std::vector<std::string>{"store"}) return Stage::store;
  throw std::invalid_argument("--designs: chaos is for redis or store");
}

// The givens of the command line in place of the file's.
Scenario with_changes(Scenario scenario, const SimulateOptions& options) {
  const Settings settings = read_changes(options.settings);
  const bool is_another = !settings.empty() || (options.instances > 0 && options.instances != scenario.instances);
  if (options.instances > 0) {
    scenario.load.rate *= static_cast<double>(options.instances) / static_cast<double>(scenario.instances);
    scenario.instances = options.instances;
  }
  for (Variant& variant : scenario.variants) {
    variant.breaker = changed(variant.breaker, settings);
    if (is_another) variant.expectations.clear();
  }
  if (options.designs.empty()) return scenario;
  std::vector<Variant> chosen;
  for (const std::string& name : options.designs) {
    chosen.push_back(chosen_variant(scenario, name));
  }
  scenario.variants = std::move(chosen);
  return scenario;
}

// Stage 1 is one process; it gets every call.
Scenario as_played(Scenario scenario, const Variant& variant) {
  if (variant.stage == Stage::simple) scenario.instances = 1;
  return scenario;
}

std::vector<std::string> played_scenarios(const SimulateOptions& options) {
  return options.scenarios.front() == "all" ? shipped_scenarios() : options.scenarios;
}

std::string command_of(const SimulateOptions& options, const Scenario& scenario, const Variant& variant) {
  std::string command =
      fmt::format("load_generator simulate {} --designs {} --seed {}", scenario.name, variant.name, options.seed);
  if (options.instances > 0) command += fmt::format(" --instances {}", options.instances);
  for (const std::string& setting : options.settings) command += " --set " + setting;
  return command;
}

FinishedRun play(const SimulateOptions& options, const Scenario& scenario, const Variant& variant, Effort& effort) {
  simulation::Simulated simulated = simulation::simulate(as_played(scenario, variant), variant, options.seed);
  effort.simulated_seconds += simulated.seconds;
  effort.events += simulated.events;
  FinishedRun finished =
      finish(std::move(simulated.run), {scenario.name, variant.name, scenario.question, {}, variant.expectations});
  finished.settings = run_settings(scenario, variant);
  finished.played = played_in_virtual_time(command_of(options, scenario, variant));
  return finished;
}

bool play_each(const SimulateOptions& options, const Scenario& scenario, Effort& effort) {
  std::vector<Summary> summaries;
  for (const Variant& variant : scenario.variants) {
    const FinishedRun finished = play(options, scenario, variant, effort);
    if (scenario.instances <= simulation::most_polled_instances)
      write_run_file(run_path(run_name(finished.summary) + "-simulated"), finished);
    summaries.push_back(finished.summary);
  }
  std::cout << outcome(summaries, options.detail, canvas_of_standard_output());
  return every_expectation_held(summaries);
}

// The last real run, if there is one.
std::optional<Summary> real_run(const Scenario& scenario, const Variant& variant) {
  const std::string path = run_path(run_name({scenario.name, variant.name, {}, {}, {}}));
  if (!std::filesystem::exists(path)) return std::nullopt;
  return read_run_file(path);
}

simulation::Distributions simulated_measures(const SimulateOptions& options, const Scenario& scenario,
                                             const Variant& variant) {
  return simulation::distributions(as_played(scenario, variant), variant, options.seed, options.seeds);
}

void show_distributions(const SimulateOptions& options, const Scenario& scenario) {
  for (const Variant& variant : scenario.variants) {
    const auto real = real_run(scenario, variant);
    std::cout << scenario.name << ", " << variant.name << ", " << options.seeds << " seeds\n"
              << simulation::compared_with(simulated_measures(options, scenario, variant),
                                           real ? real->measures : Measures{})
              << "\n"
              << std::flush;
  }
}

std::string judged(simulation::RealityCheck& check, const SimulateOptions& options, const Scenario& scenario,
                   const Variant& variant) {
  const std::string experiment = scenario.name + ", " + variant.name;
  const auto real = real_run(scenario, variant);
  if (!real) return check.without_real_run(experiment);
  const auto found = simulation::differences(simulated_measures(options, scenario, variant), real->measures,
                                             simulation::calls_in_the_balance(scenario.load));
  return check.judge(experiment, found, real->machine_noise);
}

int judge_real_runs(const SimulateOptions& options, const program::StopSignal& stop) {
  simulation::RealityCheck check;
  for (const std::string& name : played_scenarios(options)) {
    const Scenario scenario = with_changes(without_proxies(read_scenario(scenario_path(name))), options);
    for (const Variant& variant : scenario.variants) {
      if (stop.requested()) return program::interrupted;
      std::cout << judged(check, options, scenario, variant) << std::flush;
    }
  }
  std::cout << check.summary();
  return check.passed() ? 0 : 1;
}

bool play_scenario(const SimulateOptions& options, const std::string& path, Effort& effort) {
  const Scenario scenario = with_changes(without_proxies(read_scenario(path)), options);
  if (scenario.variants.empty()) return true;
  std::cout << wrapped(scenario.question, 80, "") << "\n\n" << std::flush;
  if (options.seeds <= 1) return play_each(options, scenario, effort);
  show_distributions(options, scenario);
  return true;
}

}  // namespace

int simulate_command(const SimulateOptions& options, const program::StopSignal& stop) {
  if (options.scenarios.front() == "chaos") {
    const size_t instances = options.instances == 0 ? 10 : options.instances;
    return simulation::search_chaos(
        {options.hours, options.seed, instances, stage_of_chaos(options), options.trace_seconds}, stop);
  }
  if (options.scenarios.front() == "border") {
    simulation::BorderOptions border{.seed = options.seed};
    if (options.instances > 0) border.instances = options.instances;
    return simulation::print_border(border, stop);
  }
  if (options.scenarios.front() == "scale") {
    simulation::ScaleOptions scale{.seed = options.seed};
    if (options.instances > 0) scale.instances = {options.instances};
    return simulation::print_scale(scale, stop);
  }
  if (options.against_real) return judge_real_runs(options, stop);
  Effort effort;
  bool held = true;
  for (const std::string& name : played_scenarios(options)) {
    if (stop.requested()) return program::interrupted;
    held = play_scenario(options, scenario_path(name), effort) && held;
  }
  const std::chrono::duration<double> took = SteadyClock::now() - effort.begun;
  if (options.seeds <= 1)
    std::cout << fmt::format("{:.1f} simulated seconds in {:.3f} real ones: {} events; seed {}\n",
                             effort.simulated_seconds, took.count(), effort.events, options.seed);
  return held ? 0 : 1;
}

}  // namespace load
