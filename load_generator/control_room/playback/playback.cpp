#include "load_generator/control_room/playback/playback.hpp"

#include <array>

namespace load {

Playback::Phase Playback::phase() const {
  const std::scoped_lock lock(mutex_);
  return phase_;
}

bool Playback::is_under_way() const {
  const std::scoped_lock lock(mutex_);
  return phase_ == Phase::starting || phase_ == Phase::running;
}

std::string Playback::error() const {
  const std::scoped_lock lock(mutex_);
  return error_;
}

void Playback::stop() {
  {
    const std::scoped_lock lock(mutex_);
    if (phase_ == Phase::over || phase_ == Phase::failed) throw RequestError(409, "no " + kind_ + " is running");
    if (is_kept_) {
      throw RequestError(409, "it is too late to stop the " + kind_ + ": its load is over, and its run is kept");
    }
    stop_wanted_ = true;
  }
  hurry();
}

void Playback::end(const std::optional<std::string>& error) {
  const std::scoped_lock lock(mutex_);
  phase_ = error ? Phase::failed : Phase::over;
  error_ = error.value_or("");
}

void Playback::enter(Phase phase) {
  const std::scoped_lock lock(mutex_);
  phase_ = phase;
}

bool Playback::is_stop_wanted() const {
  const std::scoped_lock lock(mutex_);
  return stop_wanted_;
}

void Playback::reject_later_stops() {
  const std::scoped_lock lock(mutex_);
  if (stop_wanted_) throw Stopped();
  is_kept_ = true;
}

std::string to_text(Playback::Phase phase) {
  constexpr std::array<const char*, 4> phases{"starting", "running", "over", "failed"};
  return phases.at(static_cast<size_t>(phase));
}

}  // namespace load
