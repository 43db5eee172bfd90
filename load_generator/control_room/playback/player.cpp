#include "load_generator/control_room/playback/player.hpp"

#include <poll.h>

#include <array>
#include <iostream>

namespace load {
namespace {

void wait_for_any(const std::array<int, 3>& descriptors, std::chrono::milliseconds timeout) {
  std::array<pollfd, 3> polled{};
  for (size_t i = 0; i < polled.size(); ++i) polled[i] = {descriptors[i], POLLIN, 0};
  poll(polled.data(), polled.size(), static_cast<int>(timeout.count()));
}

}  // namespace

Player::Player(std::string runs_folder, PlaybackHooks hooks)
    : runs_folder_(std::move(runs_folder)), hooks_(std::move(hooks)) {}

uint64_t Player::start_scenario(const std::string& name, const std::string& variant) {
  return start(scenario_, name, variant, runs_folder_, hooks_);
}

uint64_t Player::start_race(const RaceGivens& givens) { return start(race_, givens, runs_folder_); }

template <typename Kind, typename... Arguments>
uint64_t Player::start(std::shared_ptr<Kind>& last, Arguments&&... arguments) {
  std::unique_lock lock(mutex_);
  const uint64_t number = last ? last->number() + 1 : 1;
  auto next = std::make_shared<Kind>(number, std::forward<Arguments>(arguments)...);
  for (const Playback* each : std::array<const Playback*, 2>{scenario_.get(), race_.get()}) {
    if (each == nullptr || !each->is_under_way()) continue;
    throw RequestError(409, "a " + each->kind() + " is running; wait for its end, or stop it");
  }
  last = std::move(next);
  hooks_.begins();
  lock.unlock();
  requested_.notify();
  hooks_.changed();
  return number;
}

void Player::stop_scenario() {
  const auto last = scenario();
  if (!last) throw RequestError(409, "no scenario is running");
  last->stop();
}

void Player::stop_race() {
  const auto last = race();
  if (!last) throw RequestError(409, "no race is running");
  last->stop();
}

std::string Player::busy_with() const {
  const auto playback = under_way();
  return playback ? playback->kind() : "";
}

double Player::rate() const {
  const auto last = scenario();
  return last && last->is_under_way() ? last->rate() : 0;
}

nlohmann::ordered_json Player::scenario_json() const {
  const auto last = scenario();
  return last ? last->to_json() : nullptr;
}

nlohmann::ordered_json Player::race_json() const {
  const auto last = race();
  if (!last) return nullptr;
  return {{"number", last->number()}, {"phase", to_text(last->phase())}};
}

nlohmann::ordered_json Player::race_since(const std::string& from) const {
  const auto last = race();
  return last ? last->since(from) : RacePlayback::none(from);
}

void Player::play_requests_until(const program::StopSignal& stop, ProcessControl& processes) {
  while (!stop.requested()) {
    wait_for_any({stop.fd(), requested_.fd(), processes.fd()}, ProcessControl::look_every);
    requested_.clear();
    if (stop.requested()) return;
    processes.serve();
    if (const auto playback = under_way()) play(*playback, stop);
  }
}

void Player::play(Playback& playback, const program::StopSignal& stop) {
  std::optional<std::string> error;
  std::string outcome;
  try {
    outcome = playback.play(stop);
  } catch (const std::exception& failure) {
    error = outcome = failure.what();
  }
  const std::string title = playback.title();
  hooks_.fleet_ends();  // both before another one can start
  hooks_.ends();
  playback.end(error);
  hooks_.changed();
  if (!stop.requested()) std::cout << title << ": " << outcome << "\n" << std::flush;
}

std::shared_ptr<Playback> Player::under_way() const {
  const std::scoped_lock lock(mutex_);
  if (scenario_ && scenario_->is_under_way()) return scenario_;
  if (race_ && race_->is_under_way()) return race_;
  return nullptr;
}

std::shared_ptr<ScenarioPlayback> Player::scenario() const {
  const std::scoped_lock lock(mutex_);
  return scenario_;
}

std::shared_ptr<RacePlayback> Player::race() const {
  const std::scoped_lock lock(mutex_);
  return race_;
}

}  // namespace load
