// A Ramp stands in front of a breaker whose upstream must not get all its calls at once when it is back: its caches are
// cold, its connections closed. After each break it admits 10, 25 and 50 % of the calls, each for a third of its
// length, and then all. Any breaker can be behind it, also a shared one: then each instance ramps up its calls, after a
// break that it has seen (a rejected call or a probe). The shares are exact, not random: of 10 calls in a row the first
// is admitted. A call that the ramp rejects gets a Rejection in the state `closed`; the breaker's listener is not
// called for it. Thread-safe: every method. Without a ramp in progress, a call costs two atomic readings more, and
// writes nothing.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>

#include "simple_breaker/breaker.hpp"
#include "simple_breaker/clock.hpp"

namespace cb {

class Ramp final : public Breaker {
 public:
  // `length`: of the ramp; 1 ms or more, otherwise throws std::invalid_argument. `breaker` must outlive it.
  Ramp(Breaker& breaker, std::chrono::milliseconds length, Clock clock = steady_wall_clock);

  Admission acquire() override;
  Status status() override { return breaker_.status(); }
  BreakerDescription describe() const override;

 private:
  static constexpr std::array shares{10, 25, 50};  // percent

  Settled settle(const PermitId&, TimePoint, Outcome) override { return {}; }  // permits are the breaker's
  Admission ramp_up(Permit permit);

  Breaker& breaker_;
  const std::chrono::microseconds step_;
  const Clock clock_;
  std::atomic<bool> was_away_{false};          // a call was rejected, or a probe, since the last ordinary one
  std::atomic<TimePoint> began_{TimePoint{}};  // the epoch: no ramp is in progress
  std::atomic<uint64_t> calls_{0};             // since it began
};

}  // namespace cb
