// A PushStatus records whether an instance is notified of changes. The one thread that is subscribed to a Redis node
// writes it, every call reads it. Times are those of coarse_now().
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <ctime>

namespace cb {

// Milliseconds of a monotonic clock that costs a quarter of an exact one and is up to 4 ms behind it.
inline int64_t coarse_now() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  return static_cast<int64_t>(now.tv_sec) * 1000 + now.tv_nsec / 1'000'000;
}

// The same clock's reading at that time.
inline int64_t coarse(std::chrono::steady_clock::time_point at) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(at.time_since_epoch()).count();
}

// A view that has not been confirmed for longer than this must be fetched again.
constexpr std::chrono::milliseconds longest_view_age{1000};

struct PushStatus {
  std::atomic<uint64_t> session{0};      // a new number for each subscription; 0: not subscribed
  std::atomic<uint64_t> run{0};          // of the server that is subscribed to: see redis::Origin
  std::atomic<int64_t> confirmed_at{0};  // every change up to this time has been received
};

}  // namespace cb
