#include "load_generator/race/starting_line.hpp"

namespace load {

void StartingLine::wait_for_all() {
  std::unique_lock lock(mutex_);
  missing_ -= 1;
  if (missing_ == 0) started_at_ = Clock::now();
  changed_.notify_all();
  changed_.wait(lock, [this] { return missing_ == 0 || has_ended_; });
  if (has_ended_) throw RaceEnded();
}

void StartingLine::end() {
  const std::scoped_lock lock(mutex_);
  has_ended_ = true;
  changed_.notify_all();
}

void StartingLine::require_going() const {
  const std::scoped_lock lock(mutex_);
  if (has_ended_) throw RaceEnded();
}

std::optional<StartingLine::Clock::time_point> StartingLine::started_at() const {
  const std::scoped_lock lock(mutex_);
  return started_at_;
}

}  // namespace load
