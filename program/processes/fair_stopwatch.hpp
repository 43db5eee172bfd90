// For tests of "within a second": a FairStopwatch counts short naps instead of reading a clock. While other processes
// keep the machine busy, a nap takes longer and counts no more, so the bound is the same on a busy machine.
// It never counts more time than has passed. Not thread-safe.
#pragma once

#include <atomic>
#include <chrono>
#include <thread>

namespace program {

class FairStopwatch {
 public:
  std::chrono::milliseconds elapsed() const { return naps_.load() * nap; }

 private:
  static constexpr std::chrono::milliseconds nap{5};

  std::atomic<int> naps_{0};
  std::jthread napper_{[this](const std::stop_token& stop) {
    for (; !stop.stop_requested(); ++naps_) std::this_thread::sleep_for(nap);
  }};
};

}  // namespace program
