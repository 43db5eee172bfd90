// A ControlRoom is what a page shows and may do: it watches the live instances, sends them load, breaks and mends what
// is round them, and plays scenarios. While a scenario is under way pages see that scenario's instances instead, the
// load pauses, and nothing else may be done than to stop it.
// Thread-safe: every method but play_scenarios_until(). What a page may do returns a sentence that says what was done,
// and throws Refused with one that says why not.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "load_generator/control_room/change_notifier.hpp"
#include "load_generator/control_room/request_error.hpp"
#include "load_generator/control_room/runs_folder.hpp"
#include "load_generator/control_room/scenario_player.hpp"
#include "load_generator/live/fleet_poller.hpp"
#include "load_generator/load/load_sender.hpp"

namespace load {

class ControlRoom {
 public:
  ControlRoom(const WatchedFleet& live, const std::string& runs_folder);

  struct Frame {
    std::string json;
    Watcher::Place place;
  };
  // All that is new to a page that is at this place; from the default place, everything.
  Frame frame(const Watcher::Place& from) const;
  Bell& news() { return news_; }  // rings when a page should be told at once; close it to let all pages go
  RunsFolder& runs() { return runs_; }

  std::string set_fault(const std::string& plan);
  enum class Network { mended, broken };
  std::string set_network(const std::string& instance, Network network);
  std::string set_override(const std::string& mode);
  std::string set_rate(double rate);
  struct Started {
    uint64_t number = 0;  // of the order, from 1; frames say it too, so that a page knows its own order's end
    std::string done;
  };
  Started start_scenario(const std::string& name, const std::string& variant);
  std::string stop_scenario();

  // Somebody else sends the load, at a rate of his own, until it is over: then neither rate nor scenarios are for
  // pages.
  struct LoadByHand {
    double rate = 0;
    uint64_t sent = 0;
  };
  void say_load(const std::optional<LoadByHand>& load);

  // Main thread only (see ScenarioDesk).
  void play_scenarios_until(const program::StopSignal& stop) { desk_.play_orders_until(stop); }

 private:
  struct Scene {
    std::string title;
    std::shared_ptr<Watcher> watcher;
  };

  std::shared_ptr<Watcher> watch(const WatchedFleet& fleet, Watcher::Instances instances);
  ScenarioDesk::Hooks hooks();
  Scene scene() const;
  void show(Scene scene);
  void require_live() const;
  std::vector<std::string> dropped_with(const std::string& caller, Network network) const;
  nlohmann::ordered_json load_json() const;

  Bell news_;  // first: all others ring it
  RunsFolder runs_;
  const std::shared_ptr<Watcher> live_;
  LoadSender sender_;
  mutable std::mutex mutex_;
  Scene scene_;  // guarded by mutex_, as is the next
  std::optional<LoadByHand> load_by_hand_;
  std::mutex one_change_at_a_time_;
  ScenarioDesk desk_;
};

}  // namespace load
