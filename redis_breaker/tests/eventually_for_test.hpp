// Waits for what other threads do.
#pragma once

#include <chrono>
#include <functional>
#include <thread>

namespace cb {

// Waits for a condition that should take milliseconds; false if it does not come true.
inline bool eventually(const std::function<bool()>& condition,
                       std::chrono::milliseconds patience = std::chrono::seconds(20)) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::microseconds(200));  // a busy loop would slow the others down
  }
  return true;
}

}  // namespace cb
