// A RealRace is a race with real programs: it starts both fleets, then plays both loads at the same time, each on a
// thread, so that both clocks agree to some milliseconds. Whatever ends one of them ends the other, and no program or
// thread outlives play().
// Thread-safe: every method but play().
#pragma once

#include <array>
#include <atomic>
#include <exception>
#include <list>
#include <mutex>
#include <optional>
#include <vector>

#include "load_generator/experiment/experiment.hpp"
#include "load_generator/race/race_givens.hpp"
#include "load_generator/race/race_record.hpp"
#include "load_generator/race/starting_line.hpp"
#include "program/stop_signal.hpp"
#include "program/wake_fd.hpp"

namespace load {

class RealRace {
 public:
  explicit RealRace(const RaceGivens& givens);

  const Scenario& scenario() const { return scenario_; }  // its variants are the fleets, in their order
  const RaceRecord& record() const { return record_; }
  // Since the loads began, until play() returned; nothing before.
  std::optional<Offset> elapsed() const;

  // Main thread only (see ChildProcess), once. The runs, by fleet. Throws RaceEnded after end() or a stop signal, and
  // what run_scenario() throws.
  std::vector<FinishedRun> play(const program::StopSignal& stop);
  void end() { line_.end(); }  // play() throws soon

 private:
  class Follower;

  using Fleets = std::list<StartedScenario>;

  Fleets start_fleets(const program::StopSignal& stop);
  void play_loads(Fleets& fleets, const program::StopSignal& stop);
  void play_load(StartedScenario& started, size_t fleet, const program::StopSignal& stop);
  void note_failure(const std::exception_ptr& error);
  void watch(const program::StopSignal& stop);

  const Scenario scenario_;
  RaceRecord record_;
  StartingLine line_{RaceRecord::fleets};
  std::array<std::optional<FinishedRun>, RaceRecord::fleets> runs_;
  program::WakeFd load_is_over_;
  std::atomic<size_t> loads_over_ = 0;
  mutable std::mutex mutex_;
  std::exception_ptr failure_;  // guarded by mutex_, as is the next
  std::optional<StartingLine::Clock::time_point> ended_at_;
};

}  // namespace load
