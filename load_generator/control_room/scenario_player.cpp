#include "load_generator/control_room/scenario_player.hpp"

#include <poll.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <iostream>

#include "load_generator/experiment/experiment.hpp"
#include "load_generator/report/run_file.hpp"
#include "load_generator/scenario/expectation.hpp"

namespace load {
namespace {

using json = nlohmann::ordered_json;

class Stopped : public std::runtime_error {
 public:
  Stopped() : std::runtime_error("it was stopped before its end, so there is no run of it") {}
};

json to_json(const Variant& variant) {
  json entry{{"name", variant.name}, {"measure", ""}, {"expectations", json::array()}};
  if (!variant.expectations.empty()) entry["measure"] = variant.expectations.front().measure;
  for (const Expectation& expectation : variant.expectations) {
    entry["expectations"].push_back(
        {{"measure", expectation.measure}, {"because", expectation.because}, {"expected", bounds(expectation)}});
  }
  return entry;
}

json scenario_json(const Scenario& scenario) {
  json entry{{"name", scenario.name}, {"question", scenario.question}, {"variants", json::array()}};
  for (const Variant& variant : scenario.variants) entry["variants"].push_back(to_json(variant));
  return entry;
}

Scenario shipped(const std::string& name) {
  const std::vector<std::string> names = shipped_scenarios();
  if (std::find(names.begin(), names.end(), name) == names.end()) {
    throw Refused(404, "there is no scenario '" + printable(name, 64) + "'");
  }
  return read_scenario(scenario_path(name));
}

Variant variant_of(const Scenario& scenario, const std::string& name) {
  std::string known;
  for (const Variant& variant : scenario.variants) {
    if (variant.name == name) return variant;
    known += (known.empty() ? "" : ", ") + variant.name;
  }
  throw Refused(404, "scenario " + scenario.name + " has no variant '" + printable(name, 64) + "'; it has " + known);
}

// Until a stop signal has come, or `fd` is readable.
void wait(const program::StopSignal& stop, int fd) {
  std::array<pollfd, 2> descriptors{{{stop.fd(), POLLIN, 0}, {fd, POLLIN, 0}}};
  poll(descriptors.data(), descriptors.size(), -1);
}

}  // namespace

ScenarioShelf::ScenarioShelf() : ScenarioShelf(scenarios_folder()) {}

json ScenarioShelf::to_json() {
  json scenarios = json::array();
  for (const std::string& name : scenarios_in(folder_)) {
    try {
      scenarios.push_back(scenario_json(read_scenario(folder_ + "/" + name + ".json")));
    } catch (const std::exception& error) {
      tell_once(error.what());
    }
  }
  return scenarios;
}

void ScenarioShelf::tell_once(const std::string& fault) {
  const std::scoped_lock lock(mutex_);
  if (told_.size() < most_told && told_.insert(fault).second) spdlog::warn("left out of the scenarios: {}", fault);
}

ScenarioDesk::ScenarioDesk(std::string runs_folder, Hooks hooks)
    : runs_folder_(std::move(runs_folder)), hooks_(std::move(hooks)) {}

uint64_t ScenarioDesk::order(const std::string& name, const std::string& variant) {
  const Scenario scenario = shipped(name);
  Order order{0, scenario, variant_of(scenario, variant)};
  uint64_t number = 0;
  {
    const std::scoped_lock lock(mutex_);
    if (is_busy_now()) throw Refused(409, "a scenario is under way; wait for its end, or stop it");
    number = order.number = ++orders_;
    order_.emplace(std::move(order));
    stop_wanted_ = false;
    hooks_.begins();
  }
  requested_.notify();
  hooks_.news();
  return number;
}

void ScenarioDesk::stop() {
  const std::scoped_lock lock(mutex_);
  if (!is_busy_now()) throw Refused(409, "no scenario is under way");
  if (order_->is_kept) throw Refused(409, "it is too late to stop the scenario: its load is over, and its run is kept");
  stop_wanted_ = true;
}

bool ScenarioDesk::is_busy() const {
  const std::scoped_lock lock(mutex_);
  return is_busy_now();
}

std::optional<double> ScenarioDesk::rate() const {
  const std::scoped_lock lock(mutex_);
  return is_busy_now() ? std::optional(order_->scenario.load.rate) : std::nullopt;
}

bool ScenarioDesk::is_busy_now() const {
  return order_ && (order_->phase == Phase::starting || order_->phase == Phase::running);
}

json ScenarioDesk::to_json() const {
  constexpr std::array<const char*, 4> phases{"starting", "running", "over", "failed"};
  const std::scoped_lock lock(mutex_);
  if (!order_) return nullptr;
  return {{"number", order_->number},
          {"name", order_->scenario.name},
          {"variant", order_->variant.name},
          {"question", order_->scenario.question},
          {"phase", phases.at(static_cast<size_t>(order_->phase))},
          {"elapsed_ms", to_ms(order_->elapsed)},
          {"duration_ms", order_->scenario.load.duration.count()},
          {"run", order_->run},
          {"error", order_->error}};
}

void ScenarioDesk::play_orders_until(const program::StopSignal& stop) {
  while (!stop.requested()) {
    wait(stop, requested_.fd());
    requested_.clear();
    if (!stop.requested() && is_busy()) play(stop);
  }
}

void ScenarioDesk::play(const program::StopSignal& stop) {
  const std::string title = this->title();
  std::string told;
  try {
    const Run run = this->run(stop);
    if (run.interrupted) throw Stopped();
    hooks_.fleet_ends();  // before another may be ordered
    close_to_stops();
    told = "written to " + keep(run);
  } catch (const std::exception& error) {
    told = error.what();
    hooks_.fleet_ends();
    change([&](Order& order) {
      order.phase = Phase::failed;
      order.error = told;
    });
  }
  hooks_.news();
  if (!stop.requested()) std::cout << title << ": " << told << "\n" << std::flush;
}

// Whoever wants it stopped later is told that it is too late.
void ScenarioDesk::close_to_stops() {
  const std::scoped_lock lock(mutex_);
  if (stop_wanted_) throw Stopped();
  order_->is_kept = true;
}

std::string ScenarioDesk::keep(const Run& run) {
  const Summary summary = summary_of(order_->scenario, order_->variant, run);
  const std::string name = summary.name + "-" + summary.variant;
  std::string path = runs_folder_ + "/" + name + ".json";
  write_run_file(path, summary, run);
  change([&](Order& order) {
    order.phase = Phase::over;
    order.elapsed = order.scenario.load.duration;
    order.run = name;
  });
  return path;
}

Run ScenarioDesk::run(const program::StopSignal& stop) {
  ScenarioObserver observer;
  observer.fleet_is_up = [this](const std::vector<Target>& targets, const std::string& upstream) {
    if (stop_wanted_) throw Stopped();
    hooks_.fleet_is_up({targets, upstream}, title());
  };
  observer.status = hooks_.status;
  observer.tick = [this](Offset now) { tick(now); };
  observer.load_is_over = [this] { hooks_.fleet_ends(); };
  std::ostream nowhere(nullptr);
  return run_scenario(order_->scenario, order_->variant, stop, nowhere, Screen::plain, observer);
}

void ScenarioDesk::tick(Offset now) {
  if (stop_wanted_) {
    hooks_.fleet_ends();
    throw Stopped();
  }
  change([&](Order& order) {
    order.phase = Phase::running;
    order.elapsed = now;
  });
}

void ScenarioDesk::change(const std::function<void(Order&)>& change) {
  const std::scoped_lock lock(mutex_);
  change(*order_);
}

std::string ScenarioDesk::title() const { return order_->scenario.name + ", " + order_->variant.name; }

}  // namespace load
