// A SlidingWindow counts recent calls in ten buckets of equal width, which expire one by one: it covers nine to ten
// tenths of its size, at a cost that does not depend on the number of calls. (A tumbling window clears everything at
// once: right after that, nine failures in ten calls are a rate of 90 %, although ninety calls before them succeeded.)
// Pure: no clock, no lock. Invariant: only the newest ten buckets count anything.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>

#include "simple_breaker/breaker.hpp"

namespace cb {

struct CallCounts {
  uint64_t calls = 0;  // 2^32 calls fit into an hour
  uint64_t failures = 0;
  uint64_t slow = 0;
  bool operator==(const CallCounts&) const = default;
};

// What a closed circuit has counted; of a policy that keeps no window `recent` is 0.
struct CountedCalls {
  int failures = 0;  // in a row
  CallCounts recent{};
  bool operator==(const CountedCalls&) const = default;
};

struct SlidingWindow {
  static constexpr int64_t buckets = 10;

  int64_t newest = 0;                    // number of the newest bucket: time / width, since 1970
  std::array<CallCounts, buckets> held;  // bucket `number` is at number % buckets

  bool operator==(const SlidingWindow&) const = default;
};

// The number of the bucket that contains `now`.
int64_t bucket_at(TimePoint now, std::chrono::milliseconds window_size);

// The first instant after that bucket.
TimePoint end_of_bucket(int64_t bucket, std::chrono::milliseconds window_size);

// Moves the window on to `bucket`, and clears expired buckets. Not back: set_back_to() does that.
void move_to(SlidingWindow& window, int64_t bucket);

// If the clock was set back, the newest bucket becomes `bucket`, so that all of them expire within the window's size.
void set_back_to(SlidingWindow& window, int64_t bucket);

// Counts in the newest bucket.
void add(SlidingWindow& window, const CallCounts& counts);

CallCounts total(const SlidingWindow& window);

}  // namespace cb
