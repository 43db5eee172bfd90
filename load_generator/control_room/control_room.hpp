// A ControlRoom is what a page shows and may do: it polls the live instances, sends them load, breaks and repairs them
// and what surrounds them, and plays scenarios and races. While one runs, the load pauses, and the only change allowed
// is to stop it; pages see a scenario's instances, and what they ask for of a race. Thread-safe: every method but
// play_scenarios_until(). Methods that change something return a sentence that says what was done. Errors:
// RequestError, which says why not.
#pragma once

#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "load_generator/control_room/change_notifier.hpp"
#include "load_generator/control_room/playback/player.hpp"
#include "load_generator/control_room/playback/simulated_races.hpp"
#include "load_generator/control_room/process_control.hpp"
#include "load_generator/control_room/request_error.hpp"
#include "load_generator/control_room/runs_folder.hpp"
#include "load_generator/live/fleet_poller.hpp"
#include "load_generator/load/load_sender.hpp"

namespace load {

class ControlRoom {
 public:
  // `own` is the live fleet if this program started it, else nullptr: a page may kill and freeze its processes. It
  // outlives play_scenarios_until().
  ControlRoom(const WatchedFleet& live, const std::string& runs_folder, Fleet* own = nullptr);

  struct Update {
    nlohmann::ordered_json json;
    FleetPoller::Cursor cursor;
  };
  Update update_since(const FleetPoller::Cursor& cursor) const;  // from a default one: everything
  ChangeNotifier& changes() { return changes_; }  // for changes that pages get at once; close it to disconnect them
  RunsFolder& runs() { return runs_; }
  SimulatedRaces& simulated_races() { return simulated_races_; }

  std::string set_fault(const std::string& plan);
  enum class Network { mended, broken };
  std::string set_network(const std::string& instance, Network network);
  // At one instance, or at every one that answers. Of instances that share a breaker, any one sets it for all.
  std::string set_override(const std::string& mode, const std::optional<std::string>& instance = std::nullopt);
  std::string change_process(const ProcessControl::Request& request);
  std::string set_rate(double rate);
  struct Started {
    uint64_t number = 0;  // from 1; updates have it too, so that a page recognises the end of the scenario it started
    std::string done;
  };
  Started start_scenario(const std::string& name, const std::string& variant);
  std::string stop_scenario();
  Started start_race(const RaceGivens& givens);
  std::string stop_race();
  nlohmann::ordered_json race_since(const std::string& from) const { return player_.race_since(from); }

  // A load that a run by hand sends. While there is one, pages can neither set a rate nor start a scenario.
  struct LoadByHand {
    double rate = 0;
    uint64_t sent = 0;
  };
  void show_load_by_hand(const std::optional<LoadByHand>& load);

  // Main thread only (see Player). Does also what pages request of the fleet's processes.
  void play_scenarios_until(const program::StopSignal& stop);

 private:
  struct View {
    std::string title;
    std::shared_ptr<FleetPoller> poller;
  };

  std::shared_ptr<FleetPoller> poll(const WatchedFleet& fleet, FleetPoller::Statuses statuses);
  PlaybackHooks hooks();
  View view() const;
  void show(View view);
  void require_live() const;
  std::optional<LoadByHand> load_by_hand() const;
  std::vector<std::string> dropped_with(const std::string& caller, Network network) const;
  std::vector<Target> answering_targets() const;
  std::string override_one(const std::string& mode, const std::string& instance);
  nlohmann::ordered_json load_json(const View& view, const FleetSnapshot& snapshot) const;

  ChangeNotifier changes_;  // first: all others notify it
  RunsFolder runs_;
  SimulatedRaces simulated_races_;
  const std::shared_ptr<FleetPoller> live_;
  LoadSender sender_;
  mutable std::mutex mutex_;
  View view_;  // guarded by mutex_, as is the next
  std::optional<LoadByHand> load_by_hand_;
  std::mutex one_change_at_a_time_;
  ProcessControl processes_;
  Player player_;
};

}  // namespace load
