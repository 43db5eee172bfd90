// For tests: waits for what another thread or process does.
#pragma once

#include <chrono>
#include <thread>

namespace program {

// True as soon as `condition` holds; false if it still does not when `timeout` is over.
template <typename Condition>
bool wait_until(Condition condition, std::chrono::milliseconds timeout) {
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

}  // namespace program
