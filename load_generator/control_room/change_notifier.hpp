// A Bell tells all who wait that there is news. Each of them remembers what it has heard, so that nobody misses a ring
// and nobody is kept from another. Thread-safe: every method.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>

namespace load {

class Bell {
 public:
  void ring();
  void close();  // for good: nobody waits any more

  // Until there are more rings than `heard`, which is then brought up to date, or `most` is over. False: it is closed.
  bool wait(uint64_t& heard, std::chrono::milliseconds most);
  // Whether it is open still when `time` is over; it returns sooner only where it is closed.
  bool pass(std::chrono::milliseconds time);

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  uint64_t rings_ = 0;  // guarded by mutex_, as is the next
  bool closed_ = false;
};

}  // namespace load
