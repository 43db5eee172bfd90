// A SlidingWindow counts the calls of the last while in ten buckets of equal width, which expire one by one. What it
// knows is at most a tenth of the window older or younger than was asked for, and it costs the same however many calls
// there were. (A tumbling window forgets everything at once: just after it did, nine failures in ten calls look like a
// rate of 90 %, where the window that slides still knows ninety calls that went well.)
// Pure: no clock, no lock. Invariant: every bucket but the newest ten counts nothing.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>

#include "simple_breaker/breaker.hpp"

namespace cb {

struct CallCounts {
  uint32_t calls = 0;
  uint32_t failures = 0;
  uint32_t slow = 0;
  bool operator==(const CallCounts&) const = default;
};

struct SlidingWindow {
  static constexpr int64_t buckets = 10;

  int64_t newest = 0;                    // number of the newest bucket: time / width, since 1970
  std::array<CallCounts, buckets> held;  // bucket `number` is at number % buckets

  bool operator==(const SlidingWindow&) const = default;
};

// The number of the bucket that `now` falls into.
int64_t bucket_at(TimePoint now, std::chrono::milliseconds window_size);

// The first instant after that bucket.
TimePoint end_of_bucket(int64_t bucket, std::chrono::milliseconds window_size);

// Moves the window on to `bucket`: what is too old is forgotten. A clock that was set back by less than a window goes
// on in the newest bucket; by more, and the window starts anew.
void move_to(SlidingWindow& window, int64_t bucket);

// Counts in the newest bucket.
void add(SlidingWindow& window, const CallCounts& counts);

CallCounts total(const SlidingWindow& window);

}  // namespace cb
