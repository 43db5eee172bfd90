#include "simple_breaker/policies/sliding_window.hpp"

namespace cb {
namespace {

std::chrono::microseconds width(std::chrono::milliseconds window_size) {
  return std::chrono::microseconds(window_size) / SlidingWindow::buckets;
}

CallCounts& at(SlidingWindow& window, int64_t bucket) {
  constexpr int64_t buckets = SlidingWindow::buckets;
  return window.held[static_cast<size_t>((bucket % buckets + buckets) % buckets)];  // before 1970 they are negative
}

}  // namespace

int64_t bucket_at(TimePoint now, std::chrono::milliseconds window_size) {
  return now.time_since_epoch() / width(window_size);
}

TimePoint end_of_bucket(int64_t bucket, std::chrono::milliseconds window_size) {
  return TimePoint{width(window_size) * (bucket + 1)};
}

void move_to(SlidingWindow& window, int64_t bucket) {
  if (bucket - window.newest >= SlidingWindow::buckets) {
    window = {bucket, {}};
  } else {
    while (window.newest < bucket) at(window, ++window.newest) = {};
  }
}

void set_back_to(SlidingWindow& window, int64_t bucket) {
  if (window.newest <= bucket) return;
  SlidingWindow moved{bucket, {}};
  for (int64_t age = 0; age < SlidingWindow::buckets; ++age) at(moved, bucket - age) = at(window, window.newest - age);
  window = moved;
}

void add(SlidingWindow& window, const CallCounts& counts) {
  CallCounts& newest = at(window, window.newest);
  newest.calls += counts.calls;
  newest.failures += counts.failures;
  newest.slow += counts.slow;
}

CallCounts total(const SlidingWindow& window) {
  CallCounts sum;
  for (const CallCounts& bucket : window.held) {
    sum.calls += bucket.calls;
    sum.failures += bucket.failures;
    sum.slow += bucket.slow;
  }
  return sum;
}

}  // namespace cb
