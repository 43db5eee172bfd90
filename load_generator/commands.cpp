#include "load_generator/commands.hpp"

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <stdexcept>

#include "load_generator/chaos/chaos_report.hpp"
#include "load_generator/chaos/chaos_run.hpp"
#include "load_generator/control_room/control_room_session.hpp"
#include "load_generator/experiment/experiment.hpp"
#include "load_generator/experiment/machine_noise.hpp"
#include "load_generator/fleet/fleet.hpp"
#include "load_generator/load/live_lines.hpp"
#include "load_generator/record/text.hpp"
#include "load_generator/report/atomic_file.hpp"
#include "load_generator/report/compare.hpp"
#include "load_generator/report/report.hpp"
#include "load_generator/report/report_page.hpp"
#include "load_generator/report/run_document.hpp"
#include "load_generator/scenario/expectation.hpp"
#include "program/log.hpp"

namespace load {
namespace {

constexpr std::chrono::milliseconds ledger_timeout{500};

Screen screen_in_use() { return program::colours_suit() ? Screen::terminal : Screen::plain; }

std::string in_runs_folder(const std::string& name) { return runs_folder() + "/" + name + ".json"; }

std::string out_path(const ScenarioOptions& options, const Summary& summary) {
  return options.out.empty() ? in_runs_folder(summary.name + "-" + summary.variant) : options.out;
}

Summary summary_by_hand(const RunOptions& options, const Run& run) {
  const std::string name = std::filesystem::path(options.out).stem().string();
  return {name.substr(0, 64), "by hand", "A run by hand, without a prediction.", measure(run), {}};
}

// What --ui adds to a run by hand: a page that shows it, and stays. Without --ui it does nothing.
class RoomBesideARun {
 public:
  RoomBesideARun(const RunOptions& options, const std::vector<Target>& targets) {
    if (!options.ui_port) return;
    load_.rate = options.load.rate;
    room_.emplace(*options.ui_port);
    room_->open({targets, options.upstream});
    room_->room().show_load_by_hand(load_);
  }

  void count(const Second& second) {
    load_.sent += static_cast<uint64_t>(second.sent);
    if (room_) room_->room().show_load_by_hand(load_);
  }

  void stay_until(const program::StopSignal& stop) {
    if (!room_) return;
    room_->room().show_load_by_hand(std::nullopt);
    std::cout << "\nthe run is over; the page stays: " << room_->url() << " (Ctrl-C ends it)\n" << std::flush;
    room_->stay_until(stop);
  }

  int leave(int exit_code) {
    if (!room_) return exit_code;
    room_->close();
    return room_->leave(exit_code);
  }

 private:
  ControlRoom::LoadByHand load_;
  std::optional<ControlRoomSession> room_;
};

WatchedFleet started_by_hand(const UiOptions& options) {
  WatchedFleet fleet{{}, options.upstream};
  for (const std::string& url : options.targets) fleet.targets.push_back({"", url});
  return fleet;
}

// On free ports, with breaks that a person can wait for.
void start(std::optional<Fleet>& fleet, const UiOptions& options) {
  Scenario scenario;
  scenario.file = "the page's own instances";
  scenario.instances = options.instances;
  Variant variant;
  variant.name = options.stage;
  variant.stage = options.stage == "redis" ? Stage::redis : Stage::distributed;
  variant.breaker = {{"recovery_timeout", "5s"}};
  fleet.emplace(scenario, variant);
}

// Throws std::invalid_argument where the scenario knows no variant of the name that was asked for.
std::vector<Variant> asked_for(const ScenarioOptions& options, const Scenario& scenario) {
  if (options.variant.empty()) return scenario.variants;
  std::string names;
  for (const Variant& variant : scenario.variants) {
    if (variant.name == options.variant) return {variant};
    names += (names.empty() ? "" : ", ") + variant.name;
  }
  throw std::invalid_argument("scenario " + scenario.name + " expects nothing of '" + printable(options.variant, 64) +
                              "'; --stage is one of " + names);
}

struct Played {
  Run run;
  Summary summary;
};

// Once, and up to twice more where a prediction did not hold and this machine was too busy to say anything about it.
Played play(const Scenario& scenario, const Variant& variant, const program::StopSignal& stop) {
  for (int times_left = 2;; --times_left) {
    const Run run = run_scenario(scenario, variant, stop, std::cout, screen_in_use());
    const Summary summary = summary_of(scenario, variant, run);
    if (run.interrupted || all_hold(summary.expectations, summary.measures)) return {run, summary};
    const std::string disturbed = disturbance(run, variant.faults);
    if (!disturbed.empty()) std::cout << "\nthis machine was too busy: " << disturbed << "\n";
    if (disturbed.empty() || times_left == 0) return {run, summary};
    std::cout << "so it is played again\n\n" << std::flush;
  }
}

int one_variant(const ScenarioOptions& options, const Scenario& scenario, const Variant& variant,
                const program::StopSignal& stop) {
  const auto [run, summary] = play(scenario, variant, stop);
  std::cout << report(run) << "\n";
  if (run.interrupted) return interrupted;
  const std::string path = out_path(options, summary);
  write_run_file(path, summary, run);
  std::cout << verdicts(summary) << "written to " << path << "\n";
  return all_hold(summary.expectations, summary.measures) ? 0 : 1;
}

}  // namespace

int run_command(const RunOptions& options, const program::StopSignal& stop) {
  const std::vector<Target> targets = find_targets(options.targets, stop);
  if (stop.requested()) return interrupted;
  RoomBesideARun room(options, targets);
  const auto before = fetch_ledger(options.upstream, ledger_timeout);
  LiveLines lines(std::cout, screen_in_use(), targets, options.load.duration);
  EngineSettings settings;
  settings.load = options.load;
  Observers observers;
  observers.second = [&](const Second& second) {
    lines.second(second);
    room.count(second);
  };
  observers.tick = [&](Offset now) { lines.tick(now); };
  Run run = run_load(targets, settings, stop, observers);
  lines.end();
  if (before) run.ledger = fetch_ledger(options.upstream, ledger_timeout);
  if (run.ledger) run.ledger = difference(*before, *run.ledger);
  std::cout << report(run) << std::flush;
  if (!options.out.empty()) write_run_file(options.out, summary_by_hand(options, run), run);
  if (run.interrupted) return room.leave(interrupted);
  room.stay_until(stop);
  return room.leave(0);
}

int scenario_command(const ScenarioOptions& options, const program::StopSignal& stop) try {
  const Scenario scenario = read_scenario(scenario_path(options.scenario));
  const std::vector<Variant> variants = asked_for(options, scenario);
  std::cout << wrapped(scenario.question, 80, "") << "\n\n" << std::flush;
  if (!options.variant.empty()) return one_variant(options, scenario, variants.front(), stop);
  std::vector<Summary> summaries;
  for (const Variant& variant : variants) {
    const auto [run, summary] = play(scenario, variant, stop);
    if (run.interrupted) return interrupted;
    write_run_file(out_path(options, summary), summary, run);
    summaries.push_back(summary);
    std::cout << "\n";
  }
  std::cout << comparison(summaries);
  return every_expectation_held(summaries) ? 0 : 1;
} catch (const std::runtime_error&) {
  if (stop.requested()) return interrupted;  // Ctrl-C reaches the children too, and whatever needs them then fails
  throw;
}

int ui_command(const UiOptions& options, const program::StopSignal& stop) {
  ControlRoomSession room(options.port);
  std::optional<Fleet> fleet;
  if (!options.stage.empty()) start(fleet, options);
  room.open(fleet ? WatchedFleet{fleet->targets(), fleet->upstream()} : started_by_hand(options));
  room.room().set_rate(options.rate);
  room.stay_until(stop);
  room.close();
  fleet.reset();  // meanwhile
  return room.leave(0);
}

int compare_command(const CompareOptions& options) {
  const auto would_replace = [&options](const std::string& run) {
    std::error_code none;
    return std::filesystem::equivalent(run, options.html, none);
  };
  if (options.html.ends_with(".json") || std::any_of(options.files.begin(), options.files.end(), would_replace)) {
    throw std::invalid_argument("--html is " + options.html +
                                ", which would replace a run; name the report's own file");
  }
  std::vector<Summary> runs;
  for (const std::string& file : options.files) runs.push_back(read_run_file(file));
  std::cout << comparison(runs);
  if (!options.html.empty()) {
    auto documents = nlohmann::ordered_json::array();
    for (const std::string& file : options.files) documents.push_back(run_document(file));
    write_file(options.html, report_page(documents));
    std::cout << "the report: " << options.html << "\n";
  }
  return every_expectation_held(runs) ? 0 : 1;
}

int chaos_command(const ChaosOptions& options, const program::StopSignal& stop) try {
  const ChaosHistory history = run_chaos(options.settings, stop, std::cout);
  if (history.run.interrupted) return interrupted;
  const std::vector<Verdict> verdicts = check(history);
  const std::string path =
      options.out.empty() ? in_runs_folder("chaos-" + std::to_string(options.settings.seed)) : options.out;
  write_history(path, history, verdicts);
  std::cout << report(history, verdicts) << "written to " << path << "\n";
  return all_held(verdicts) ? 0 : 1;
} catch (const std::runtime_error&) {
  if (stop.requested()) return interrupted;
  throw;
}

}  // namespace load
