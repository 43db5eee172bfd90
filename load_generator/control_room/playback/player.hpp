// A Player plays the scenarios and races that pages request, one at a time, where the main thread calls
// play_requests_until(): their programs must be started on that thread (see ChildProcess). In between that thread
// serves the ProcessControl.
// Thread-safe: every other method. Errors: RequestError.
#pragma once

#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>

#include "load_generator/control_room/playback/race_playback.hpp"
#include "load_generator/control_room/playback/scenario_playback.hpp"
#include "load_generator/control_room/process_control.hpp"
#include "program/stop_signal.hpp"
#include "program/wake_fd.hpp"

namespace load {

class Player {
 public:
  Player(std::string runs_folder, PlaybackHooks hooks);

  // Return the playback's number, counted from 1 by kind. Rejected: an unknown name or variant, and while another
  // playback is under way.
  uint64_t start_scenario(const std::string& name, const std::string& variant);
  uint64_t start_race(const RaceGivens& givens);
  void stop_scenario();  // rejected: if none runs, or its load is over already; as is the next
  void stop_race();

  std::string busy_with() const;  // "scenario" or "race"; empty: nothing
  bool is_busy() const { return !busy_with().empty(); }
  double rate() const;  // calls a second, of the scenario that runs; else 0

  // null, or the running or else last one: see ScenarioPlayback, and {"number","phase"} of a race. Some end before a
  // page has seen them run; the number distinguishes them.
  nlohmann::ordered_json scenario_json() const;
  nlohmann::ordered_json race_json() const;
  nlohmann::ordered_json race_since(const std::string& from) const;  // see RacePlayback

  void play_requests_until(const program::StopSignal& stop, ProcessControl& processes);

 private:
  template <typename Kind, typename... Arguments>
  uint64_t start(std::shared_ptr<Kind>& last, Arguments&&... arguments);
  std::shared_ptr<Playback> under_way() const;
  void play(Playback& playback, const program::StopSignal& stop);
  std::shared_ptr<ScenarioPlayback> scenario() const;
  std::shared_ptr<RacePlayback> race() const;

  const std::string runs_folder_;
  const PlaybackHooks hooks_;
  program::WakeFd requested_;
  mutable std::mutex mutex_;
  std::shared_ptr<ScenarioPlayback> scenario_;  // the last one; guarded by mutex_, as is the next
  std::shared_ptr<RacePlayback> race_;
};

}  // namespace load
