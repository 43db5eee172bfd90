// A ScenarioPlayer plays the scenarios that pages request, one at a time, where the main thread calls
// play_requests_until(): a scenario's programs must be started on that thread (see ChildProcess).
// A finished run is written to the runs folder, as `load_generator scenario` does; one that was stopped is not.
// Thread-safe: every other method. Errors: RequestError.
#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "load_generator/control_room/request_error.hpp"
#include "load_generator/live/recent_history.hpp"
#include "load_generator/load/run_observer.hpp"
#include "load_generator/report/run_file.hpp"
#include "load_generator/scenario/scenario.hpp"
#include "program/stop_signal.hpp"
#include "program/wake_fd.hpp"

namespace load {

class ScenarioPlayer : private RunObserver {
 public:
  // Called on the main thread, except `begins`: it is called inside start(), and must not call the player.
  struct Hooks {
    std::function<void()> begins;
    std::function<void(const WatchedFleet&, const std::string& title)> fleet_is_up;
    std::function<void(size_t target, const std::optional<InstanceStatus>&)> status;
    std::function<void()> fleet_ends;  // also if the run failed, or never had a fleet
    std::function<void()> changed;
  };
  ScenarioPlayer(std::string runs_folder, Hooks hooks);

  // Returns the playback's number, counted from 1. Rejected: an unknown name or variant, and while another one runs.
  uint64_t start(const std::string& name, const std::string& variant);
  void stop();  // rejected: if none runs, or its load is over already
  bool is_busy() const;
  double rate() const;  // calls a second, of the scenario that runs; else 0

  // null, or the running or else last playback: {"number","name","variant","question","phase","elapsed_ms",
  // "duration_ms","run","error"}. Some end before a page has seen them run; the number distinguishes them.
  nlohmann::ordered_json to_json() const;

  void play_requests_until(const program::StopSignal& stop);

 private:
  enum class Phase { starting, running, over, failed };
  struct Playback {
    uint64_t number = 0;
    Scenario scenario;
    Variant variant;
    Phase phase = Phase::starting;
    bool is_kept = false;  // too late to stop it
    Offset elapsed{0};
    std::string run{};
    std::string error{};

    bool is_under_way() const { return phase == Phase::starting || phase == Phase::running; }
    std::string title() const { return scenario.name + ", " + variant.name; }
  };

  void play(const program::StopSignal& stop);
  void reject_later_stops();                      // throws if one came in time
  std::string keep(const FinishedRun& finished);  // returns the file's path
  void change(const std::function<void(Playback&)>& change);

  // Of the scenario that runs.
  void fleet_is_up(const std::vector<Target>& targets, const std::string& upstream) override;
  void tick(Offset now) override;
  void status_polled(size_t target, const std::optional<InstanceStatus>& status, Offset /*now*/) override {
    hooks_.status(target, status);
  }
  void load_ended() override { hooks_.fleet_ends(); }

  const std::string runs_folder_;
  const Hooks hooks_;
  program::WakeFd requested_;
  std::atomic<bool> stop_wanted_ = false;
  mutable std::mutex mutex_;
  std::optional<Playback> playback_;  // guarded by mutex_; its scenario and variant do not change while it runs
};

}  // namespace load
