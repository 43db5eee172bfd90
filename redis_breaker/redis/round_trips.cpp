#include "redis_breaker/redis/round_trips.hpp"

#include <algorithm>
#include <utility>

namespace cb::redis {

using std::chrono::microseconds;
using std::chrono::milliseconds;

namespace {
constexpr int most_backoff = 1024;
}

void RoundTrips::record(microseconds took) {
  const std::scoped_lock lock(mutex_);
  if (std::exchange(is_ambiguous_, false)) return;
  backoff_ = 1;
  if (mean_.count() == 0) {
    mean_ = took;
    deviation_ = took / 2;
    return;
  }
  deviation_ += (std::chrono::abs(took - mean_) - deviation_) / 4;
  mean_ += (took - mean_) / 8;
}

void RoundTrips::record_timeout() {
  const std::scoped_lock lock(mutex_);
  backoff_ = std::min(2 * backoff_, most_backoff);
  is_ambiguous_ = true;
}

milliseconds RoundTrips::timeout() const {
  const std::scoped_lock lock(mutex_);
  const auto measured = std::chrono::ceil<milliseconds>(mean_ + 4 * deviation_);
  return std::min(backoff_ * std::max(measured, shortest_), std::max(shortest_, longest_timeout));
}

}  // namespace cb::redis
