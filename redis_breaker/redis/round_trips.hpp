// RoundTrips derives from the round trips so far how long to wait for the next answer, as TCP does: the smoothed mean
// plus four mean deviations. A busy machine answers slowly and is waited for; a Redis that is silent is given up soon.
// Thread-safe: every method. Bounds: `shortest`, and the larger of `shortest` and longest_timeout.
// Source: RFC 6298, "Computing TCP's Retransmission Timer".
#pragma once

#include <chrono>
#include <mutex>

namespace cb::redis {

constexpr std::chrono::milliseconds longest_timeout{500};

class RoundTrips {
 public:
  explicit RoundTrips(std::chrono::milliseconds shortest) : shortest_(shortest) {}

  void record(std::chrono::microseconds took);

  // Doubles the time-out until a round trip has been measured. The first answer after this is no measure: it may have
  // waited for a Redis that hung.
  void record_timeout();

  std::chrono::milliseconds timeout() const;

 private:
  const std::chrono::milliseconds shortest_;
  mutable std::mutex mutex_;
  std::chrono::microseconds mean_{0};       // guarded by mutex_; 0: none so far
  std::chrono::microseconds deviation_{0};  // guarded by mutex_, like the rest
  int backoff_ = 1;
  bool is_ambiguous_ = false;  // the next answer
};

}  // namespace cb::redis
