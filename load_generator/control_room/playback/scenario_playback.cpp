#include "load_generator/control_room/playback/scenario_playback.hpp"

#include <algorithm>

#include "load_generator/experiment/experiment.hpp"
#include "load_generator/record/text.hpp"

namespace load {
namespace {

Scenario shipped(const std::string& name) {
  const std::vector<std::string> names = shipped_scenarios();
  if (std::find(names.begin(), names.end(), name) == names.end()) {
    throw RequestError(404, "there is no scenario '" + printable(name, 64) + "'");
  }
  return read_scenario(scenario_path(name));
}

std::vector<Variant> variants_of(const Scenario& scenario, const std::string& name) {
  if (const Variant* variant = find_variant(scenario, name)) return {*variant};
  if (name == ScenarioPlayback::every_variant) return scenario.variants;
  throw RequestError(404, "scenario " + scenario.name + " has no variant '" + printable(name, 64) + "'; it has " +
                              variant_names(scenario));
}

}  // namespace

ScenarioPlayback::ScenarioPlayback(uint64_t number, const std::string& name, const std::string& variant,
                                   std::string runs_folder, const PlaybackHooks& hooks)
    : Playback("scenario", number),
      scenario_(shipped(name)),
      variants_(variants_of(scenario_, variant)),
      runs_folder_(std::move(runs_folder)),
      hooks_(hooks) {}

std::string ScenarioPlayback::title() const {
  const std::scoped_lock lock(mutex_);
  return scenario_.name + ", " + variants_[current_].name;
}

std::string ScenarioPlayback::play(const program::StopSignal& stop) {
  for (size_t index = 0; index < variants_.size(); ++index) play_variant(index, stop);
  const std::scoped_lock lock(mutex_);
  const auto path = [this](const std::string& run) { return runs_folder_ + "/" + run + ".json"; };
  return "written to " + joined(finished_, path);
}

void ScenarioPlayback::play_variant(size_t index, const program::StopSignal& stop) {
  enter(Phase::starting);
  {
    const std::scoped_lock lock(mutex_);
    current_ = index;
    elapsed_ = Offset(0);
  }
  hooks_.changed();
  const FinishedRun finished = run_scenario(scenario_, variants_[index], stop, *this);
  if (finished.run.interrupted) throw Stopped();
  hooks_.fleet_ends();
  if (index + 1 == variants_.size()) reject_later_stops();
  if (is_stop_wanted()) throw Stopped();
  keep(finished);
}

void ScenarioPlayback::keep(const FinishedRun& finished) {
  const std::string name = run_name(finished.summary);
  write_run_file(runs_folder_ + "/" + name + ".json", finished);
  const std::scoped_lock lock(mutex_);
  elapsed_ = scenario_.load.duration;
  finished_.push_back(name);
}

nlohmann::ordered_json ScenarioPlayback::to_json() const {
  const Phase phase = this->phase();
  const std::string error = this->error();
  const std::scoped_lock lock(mutex_);
  return {{"number", number()},
          {"name", scenario_.name},
          {"variant", variants_[current_].name},
          {"question", scenario_.question},
          {"phase", to_text(phase)},
          {"elapsed_ms", to_ms(elapsed_)},
          {"duration_ms", scenario_.load.duration.count()},
          {"run", phase == Phase::over ? finished_.back() : ""},
          {"finished", finished_},
          {"error", error}};
}

void ScenarioPlayback::fleet_is_up(const std::vector<Target>& targets, const std::string& upstream) {
  if (is_stop_wanted()) throw Stopped();
  hooks_.fleet_is_up({targets, upstream}, title());
}

void ScenarioPlayback::tick(Offset now) {
  if (is_stop_wanted()) {
    hooks_.fleet_ends();  // before its programs do
    throw Stopped();
  }
  enter(Phase::running);
  const std::scoped_lock lock(mutex_);
  elapsed_ = now;
}

}  // namespace load
