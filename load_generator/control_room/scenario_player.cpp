#include "load_generator/control_room/scenario_player.hpp"

#include <poll.h>

#include <algorithm>
#include <array>
#include <iostream>

#include "load_generator/experiment/experiment.hpp"
#include "load_generator/report/run_file.hpp"

namespace load {
namespace {

using json = nlohmann::ordered_json;

class Stopped : public std::runtime_error {
 public:
  Stopped() : std::runtime_error("it was stopped before its end, so there is no run of it") {}
};

Scenario shipped(const std::string& name) {
  const std::vector<std::string> names = shipped_scenarios();
  if (std::find(names.begin(), names.end(), name) == names.end()) {
    throw RequestError(404, "there is no scenario '" + printable(name, 64) + "'");
  }
  return read_scenario(scenario_path(name));
}

Variant variant_of(const Scenario& scenario, const std::string& name) {
  if (const Variant* variant = find_variant(scenario, name)) return *variant;
  throw RequestError(404, "scenario " + scenario.name + " has no variant '" + printable(name, 64) + "'; it has " +
                              variant_names(scenario));
}

void wait_for_either(const program::StopSignal& stop, const program::WakeFd& wake) {
  std::array<pollfd, 2> descriptors{{{stop.fd(), POLLIN, 0}, {wake.fd(), POLLIN, 0}}};
  poll(descriptors.data(), descriptors.size(), -1);
}

}  // namespace

ScenarioPlayer::ScenarioPlayer(std::string runs_folder, Hooks hooks)
    : runs_folder_(std::move(runs_folder)), hooks_(std::move(hooks)) {}

uint64_t ScenarioPlayer::start(const std::string& name, const std::string& variant) {
  const Scenario scenario = shipped(name);
  const Variant chosen = variant_of(scenario, variant);
  std::unique_lock lock(mutex_);
  if (playback_ && playback_->is_under_way()) {
    throw RequestError(409, "a scenario is running; wait for its end, or stop it");
  }
  const uint64_t number = playback_ ? playback_->number + 1 : 1;
  playback_.emplace(Playback{number, scenario, chosen});
  stop_wanted_ = false;
  hooks_.begins();
  lock.unlock();
  requested_.notify();
  hooks_.changed();
  return number;
}

void ScenarioPlayer::stop() {
  const std::scoped_lock lock(mutex_);
  if (!playback_ || !playback_->is_under_way()) throw RequestError(409, "no scenario is running");
  if (playback_->is_kept) {
    throw RequestError(409, "it is too late to stop the scenario: its load is over, and its run is kept");
  }
  stop_wanted_ = true;
}

bool ScenarioPlayer::is_busy() const {
  const std::scoped_lock lock(mutex_);
  return playback_ && playback_->is_under_way();
}

double ScenarioPlayer::rate() const {
  const std::scoped_lock lock(mutex_);
  return playback_ && playback_->is_under_way() ? playback_->scenario.load.rate : 0;
}

json ScenarioPlayer::to_json() const {
  constexpr std::array<const char*, 4> phases{"starting", "running", "over", "failed"};
  const std::scoped_lock lock(mutex_);
  if (!playback_) return nullptr;
  return {{"number", playback_->number},
          {"name", playback_->scenario.name},
          {"variant", playback_->variant.name},
          {"question", playback_->scenario.question},
          {"phase", phases.at(static_cast<size_t>(playback_->phase))},
          {"elapsed_ms", to_ms(playback_->elapsed)},
          {"duration_ms", playback_->scenario.load.duration.count()},
          {"run", playback_->run},
          {"error", playback_->error}};
}

void ScenarioPlayer::play_requests_until(const program::StopSignal& stop) {
  while (!stop.requested()) {
    wait_for_either(stop, requested_);
    requested_.clear();
    if (!stop.requested() && is_busy()) play(stop);
  }
}

void ScenarioPlayer::play(const program::StopSignal& stop) {
  const std::string title = playback_->title();
  std::string outcome;
  try {
    const FinishedRun finished = run_scenario(playback_->scenario, playback_->variant, stop, *this);
    if (finished.run.interrupted) throw Stopped();
    hooks_.fleet_ends();  // before another scenario can start
    reject_later_stops();
    outcome = "written to " + keep(finished);
  } catch (const std::exception& error) {
    outcome = error.what();
    hooks_.fleet_ends();
    change([&](Playback& playback) {
      playback.phase = Phase::failed;
      playback.error = outcome;
    });
  }
  hooks_.changed();
  if (!stop.requested()) std::cout << title << ": " << outcome << "\n" << std::flush;
}

void ScenarioPlayer::reject_later_stops() {
  const std::scoped_lock lock(mutex_);
  if (stop_wanted_) throw Stopped();
  playback_->is_kept = true;
}

std::string ScenarioPlayer::keep(const FinishedRun& finished) {
  const std::string name = run_name(finished.summary);
  std::string path = runs_folder_ + "/" + name + ".json";
  write_run_file(path, finished);
  change([&](Playback& playback) {
    playback.phase = Phase::over;
    playback.elapsed = playback.scenario.load.duration;
    playback.run = name;
  });
  return path;
}

void ScenarioPlayer::fleet_is_up(const std::vector<Target>& targets, const std::string& upstream) {
  if (stop_wanted_) throw Stopped();
  hooks_.fleet_is_up({targets, upstream}, playback_->title());
}

void ScenarioPlayer::tick(Offset now) {
  if (stop_wanted_) {
    hooks_.fleet_ends();
    throw Stopped();
  }
  change([now](Playback& playback) {
    playback.phase = Phase::running;
    playback.elapsed = now;
  });
}

void ScenarioPlayer::change(const std::function<void(Playback&)>& change) {
  const std::scoped_lock lock(mutex_);
  change(*playback_);
}

}  // namespace load
