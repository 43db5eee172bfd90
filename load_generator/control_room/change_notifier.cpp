#include "load_generator/control_room/change_notifier.hpp"

namespace load {

void ChangeNotifier::notify() {
  const std::scoped_lock lock(mutex_);
  changes_ += 1;
  changed_.notify_all();
}

void ChangeNotifier::close() {
  const std::scoped_lock lock(mutex_);
  closed_ = true;
  changed_.notify_all();
}

bool ChangeNotifier::wait(uint64_t& seen, std::chrono::milliseconds least, std::chrono::milliseconds most) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, least, [&] { return closed_; });
  changed_.wait_for(lock, most - least, [&] { return closed_ || changes_ > seen; });
  seen = changes_;
  return !closed_;
}

}  // namespace load
