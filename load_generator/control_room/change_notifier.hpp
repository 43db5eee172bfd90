// A ChangeNotifier wakes every thread that waits for a change. Each waiter passes the number of changes that it has
// seen, so that none misses a change and none delays another. Thread-safe: every method.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>

namespace load {

class ChangeNotifier {
 public:
  void notify();
  void close();  // for good: all waits end

  // Returns when there are more changes than `seen`, which is then brought up to date, but not before `least` and no
  // later than `most` from now. Returns false as soon as the notifier is closed.
  bool wait(uint64_t& seen, std::chrono::milliseconds least, std::chrono::milliseconds most);

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  uint64_t changes_ = 0;  // guarded by mutex_, as is the next
  bool closed_ = false;
};

}  // namespace load
