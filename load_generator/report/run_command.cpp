#include "load_generator/report/run_command.hpp"

#include <filesystem>
#include <iostream>

#include "load_generator/load/engine.hpp"
#include "load_generator/load/live_lines.hpp"
#include "load_generator/report/report.hpp"
#include "load_generator/report/run_file.hpp"

namespace load {
namespace {

constexpr std::chrono::milliseconds ledger_timeout{500};

void write_run(const std::string& path, const Run& run) {
  const std::string name = std::filesystem::path(path).stem().string().substr(0, 64);
  FinishedRun finished = finish(run, {name, "by hand", "A run by hand, without a prediction.", {}, {}});
  finished.played = played_now(World::real, "");  // the instances' settings are not known
  write_run_file(path, finished);
}

}  // namespace

int run_command(const RunOptions& options, const program::StopSignal& stop, RunObserver& observer) {
  const std::vector<Target> targets = find_targets(options.targets, stop);
  if (stop.requested()) return program::interrupted;
  LiveLines lines(std::cout, screen_of_standard_output(), options.load.duration);
  RunObservers observers({&observer, &lines});
  observers.fleet_is_up(targets, options.upstream);
  const auto before = fetch_ledger(options.upstream, ledger_timeout);
  EngineSettings settings;
  settings.load = options.load;
  Run run = run_load(targets, settings, stop, observers);
  observers.load_ended();
  if (before) run.ledger = fetch_ledger(options.upstream, ledger_timeout);
  if (run.ledger) run.ledger = difference(*before, *run.ledger);
  std::cout << report(run) << std::flush;
  if (!options.out.empty()) write_run(options.out, run);
  return run.interrupted ? program::interrupted : 0;
}

}  // namespace load
