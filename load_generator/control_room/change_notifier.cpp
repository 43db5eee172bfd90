#include "load_generator/control_room/change_notifier.hpp"

namespace load {

void Bell::ring() {
  const std::scoped_lock lock(mutex_);
  rings_ += 1;
  changed_.notify_all();
}

void Bell::close() {
  const std::scoped_lock lock(mutex_);
  closed_ = true;
  changed_.notify_all();
}

bool Bell::wait(uint64_t& heard, std::chrono::milliseconds most) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, most, [&] { return closed_ || rings_ > heard; });
  heard = rings_;
  return !closed_;
}

bool Bell::pass(std::chrono::milliseconds time) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, time, [&] { return closed_; });
  return !closed_;
}

}  // namespace load
