#include "load_generator/race/real_race.hpp"

#include <poll.h>

#include <thread>

#include "load_generator/race/race_scenario.hpp"

namespace load {

// Of one of the two loads.
class RealRace::Follower final : public RunObserver {
 public:
  Follower(RealRace& race, size_t fleet) : race_(race), fleet_(fleet) {}

  void load_starts() override { race_.line_.wait_for_all(); }
  void tick(Offset /*now*/) override { race_.line_.require_going(); }
  void call_ended(const Call& call) override { race_.record_.add(fleet_, call); }
  void transition_reported(const Transition& transition) override { race_.record_.add(fleet_, transition); }

 private:
  RealRace& race_;
  const size_t fleet_;
};

RealRace::RealRace(const RaceGivens& givens) : scenario_(race_scenario(givens)) {}

std::optional<Offset> RealRace::elapsed() const {
  const auto started = line_.started_at();
  if (!started) return std::nullopt;
  const std::scoped_lock lock(mutex_);
  return std::chrono::floor<Offset>(ended_at_.value_or(StartingLine::Clock::now()) - *started);
}

std::vector<FinishedRun> RealRace::play(const program::StopSignal& stop) {
  {
    Fleets fleets = start_fleets(stop);
    play_loads(fleets, stop);
  }
  const std::scoped_lock lock(mutex_);
  ended_at_ = StartingLine::Clock::now();
  if (failure_) std::rethrow_exception(failure_);
  std::vector<FinishedRun> runs;
  for (auto& run : runs_) runs.push_back(std::move(*run));
  return runs;
}

RealRace::Fleets RealRace::start_fleets(const program::StopSignal& stop) {
  Fleets fleets;
  for (const Variant& variant : scenario_.variants) {
    if (stop.requested()) end();
    line_.require_going();
    fleets.emplace_back(scenario_, variant);
  }
  return fleets;
}

void RealRace::play_loads(Fleets& fleets, const program::StopSignal& stop) {
  std::vector<std::jthread> threads;  // joined at the end
  for (StartedScenario& started : fleets) {
    threads.emplace_back([&, fleet = threads.size()] { play_load(started, fleet, stop); });
  }
  watch(stop);
}

void RealRace::play_load(StartedScenario& started, size_t fleet, const program::StopSignal& stop) {
  try {
    Follower follower(*this, fleet);
    runs_.at(fleet) = started.play(stop, follower);
    if (runs_.at(fleet)->run.interrupted) throw RaceEnded();
  } catch (...) {
    note_failure(std::current_exception());
    end();
  }
  loads_over_ += 1;
  load_is_over_.notify();
}

// The other one is ended by it, and its failure says nothing.
void RealRace::note_failure(const std::exception_ptr& error) {
  const std::scoped_lock lock(mutex_);
  if (!failure_) failure_ = error;
}

void RealRace::watch(const program::StopSignal& stop) {
  while (loads_over_ < RaceRecord::fleets) {
    const bool is_stopped = stop.requested();
    if (is_stopped) end();
    std::array<pollfd, 2> descriptors{{{load_is_over_.fd(), POLLIN, 0}, {stop.fd(), POLLIN, 0}}};
    poll(descriptors.data(), is_stopped ? 1 : 2, -1);
    load_is_over_.clear();
  }
}

}  // namespace load
