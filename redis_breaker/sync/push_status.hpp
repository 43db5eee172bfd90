// A PushStatus tells whether an instance would have heard of a change: it is written by the one thread that listens to
// a Redis node, and read by every call. Times are those of coarse_now().
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <ctime>

namespace cb {

// Milliseconds of a clock that only goes forward: a quarter of the price of an exact one, up to 4 ms behind it.
inline int64_t coarse_now() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  return static_cast<int64_t>(now.tv_sec) * 1000 + now.tv_nsec / 1'000'000;
}

// What has been heard of for the last time longer ago than this has to be asked for.
constexpr std::chrono::milliseconds longest_view_age{1000};

struct PushStatus {
  std::atomic<uint64_t> session{0};      // a number for each time that listening began; 0: nobody listens
  std::atomic<int64_t> confirmed_at{0};  // all that had happened by then has been heard of
};

}  // namespace cb
