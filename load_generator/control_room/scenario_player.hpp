// The ScenarioDesk takes orders for scenarios from pages, and plays them, one at a time, where the main thread calls
// play_orders_until(): the programs of a scenario have to be started there (see ChildProcess).
// Thread-safe: order(), stop(), is_busy() and to_json().
// A finished run lies in the runs folder, as `load_generator scenario` writes it. One that is stopped leaves none.
#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>

#include "load_generator/control_room/request_error.hpp"
#include "load_generator/live/recent_history.hpp"
#include "load_generator/scenario/scenario.hpp"
#include "program/stop_signal.hpp"
#include "program/wake_fd.hpp"

namespace load {

// The scenarios of a folder, as pages are told them. Thread-safe.
class ScenarioShelf {
 public:
  ScenarioShelf();  // of the shipped ones
  explicit ScenarioShelf(std::string folder) : folder_(std::move(folder)) {}

  // [{"name","question","variants":[{"name","measure","expectations":[{"measure","because","expected"}]}]}]; `measure`
  // is that of the first expectation. One that cannot be read is left out, and the log says why, once.
  nlohmann::ordered_json to_json();

 private:
  static constexpr size_t most_told = 100;  // different faults, for a file that changes all the time

  void tell_once(const std::string& fault);

  const std::string folder_;
  std::mutex mutex_;
  std::set<std::string> told_;  // guarded by mutex_
};

class ScenarioDesk {
 public:
  // Called on the main thread, but for `begins`: by order(), before anybody hears of it. It must not ask the desk.
  struct Hooks {
    std::function<void()> begins;
    std::function<void(const WatchedFleet&, const std::string& title)> fleet_is_up;
    std::function<void(size_t target, const std::optional<InstanceStatus>&)> status;
    std::function<void()> fleet_ends;  // also where the run failed, or never had a fleet
    std::function<void()> news;
  };
  ScenarioDesk(std::string runs_folder, Hooks hooks);

  // The order's number, counted from 1. Throws Refused where there is none of that name, no such variant, or one is
  // under way already.
  uint64_t order(const std::string& name, const std::string& variant);
  void stop();  // throws Refused where none is under way that could still be stopped
  bool is_busy() const;
  std::optional<double> rate() const;  // calls a second, of the one that is under way

  // null, or {"number","name","variant","question","phase","elapsed_ms","duration_ms","run","error"} of the one that is
  // under way or was last. The number tells one from the next: some are over before anybody saw them run.
  nlohmann::ordered_json to_json() const;

  // Main thread only.
  void play_orders_until(const program::StopSignal& stop);

 private:
  enum class Phase { starting, running, over, failed };
  struct Order {
    uint64_t number = 0;  // from 1
    Scenario scenario;
    Variant variant;
    Phase phase = Phase::starting;
    bool is_kept = false;  // too late to stop it
    Offset elapsed{0};
    std::string run{};
    std::string error{};
  };

  bool is_busy_now() const;  // with mutex_ held
  std::string title() const;
  void play(const program::StopSignal& stop);
  Run run(const program::StopSignal& stop);
  void close_to_stops();             // throws where one came in time
  std::string keep(const Run& run);  // where it lies
  void tick(Offset now);
  void change(const std::function<void(Order&)>& change);

  const std::string runs_folder_;
  const Hooks hooks_;
  program::WakeFd requested_;
  std::atomic<bool> stop_wanted_ = false;
  mutable std::mutex mutex_;
  uint64_t orders_ = 0;         // guarded by mutex_
  std::optional<Order> order_;  // guarded by mutex_; scenario and variant stay as they are while it is under way
};

}  // namespace load
