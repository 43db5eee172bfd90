// A Playback is what a page requested to be played: a scenario or a race. It is played once, on the main thread, while
// pages look on and may stop it.
// Thread-safe: every method but play(). Errors: RequestError.
#pragma once

#include <chrono>
#include <functional>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>

#include "load_generator/control_room/request_error.hpp"
#include "load_generator/live/recent_history.hpp"
#include "load_generator/record/run_record.hpp"
#include "program/stop_signal.hpp"

namespace load {

// What the control room does meanwhile.
struct PlaybackHooks {
  std::function<void()> begins;  // called inside start_scenario() and start_race(); must not call the player
  std::function<void(const WatchedFleet&, const std::string& title)> fleet_is_up;  // of a scenario, as are the next two
  std::function<void(size_t target, const std::optional<InstanceStatus>&)> status;
  std::function<void()> fleet_ends;  // also if the run failed, or never had a fleet
  std::function<void()> ends;
  std::function<void()> changed;
};

class Stopped : public std::runtime_error {
 public:
  Stopped() : std::runtime_error("it was stopped before its end, so there is no run of it") {}
};

class Playback {
 public:
  enum class Phase { starting, running, over, failed };

  // `kind` for sentences: "scenario".
  Playback(std::string kind, uint64_t number) : kind_(std::move(kind)), number_(number) {}
  virtual ~Playback() = default;
  Playback(const Playback&) = delete;
  Playback& operator=(const Playback&) = delete;

  const std::string& kind() const { return kind_; }
  uint64_t number() const { return number_; }  // from 1, by kind
  virtual std::string title() const = 0;
  virtual Phase phase() const;
  bool is_under_way() const;
  std::string error() const;

  // Main thread only. Returns what was done, for the terminal. Throws Stopped, and what a run throws.
  virtual std::string play(const program::StopSignal& stop) = 0;
  void stop();                                        // rejected if it has ended, or its load is over already
  void end(const std::optional<std::string>& error);  // after play(): it is over, or has failed

 protected:
  void enter(Phase phase);
  bool is_stop_wanted() const;
  void reject_later_stops();  // throws Stopped if one came in time

 private:
  virtual void hurry() {}  // called by stop()

  const std::string kind_;
  const uint64_t number_;
  mutable std::mutex mutex_;
  Phase phase_ = Phase::starting;  // guarded by mutex_, as are the next
  bool stop_wanted_ = false;
  bool is_kept_ = false;  // too late to stop it
  std::string error_;
};

std::string to_text(Playback::Phase phase);

}  // namespace load
