// Waits for a condition that another thread or process makes true, instead of sleeping for a fixed time.
#pragma once

#include <chrono>
#include <thread>

namespace program {

// Checks `condition` every 5 ms. False if it is still false when `timeout` has passed.
template <class Condition>
bool wait_until(Condition&& condition, std::chrono::milliseconds timeout) {
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  while (!condition()) {
    if (std::chrono::steady_clock::now() >= deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

}  // namespace program
