// wait_until() polls a condition, so that a test or a tool waits no longer than it must.
#pragma once

#include <chrono>
#include <thread>

namespace program {

// Polls `condition` every 5 ms. Returns true as soon as it holds, false if it does not hold within `timeout`.
template <typename Condition>
bool wait_until(Condition condition, std::chrono::milliseconds timeout) {
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  while (!condition()) {
    if (std::chrono::steady_clock::now() >= deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

}  // namespace program
