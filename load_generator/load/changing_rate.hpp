// A ChangingRate says how many calls are due at a rate that may change at any time. A new rate counts from the moment
// when it is set. After a stall, calls of the last second are still due, and older ones are dropped.
// Pure: time is an argument, which never falls. Not thread-safe.
#pragma once

#include <chrono>
#include <cstdint>

namespace load {

class ChangingRate {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  explicit ChangingRate(TimePoint start) : last_due_(start) {}

  // The number of calls that fell due since the last question, at `rate` calls a second; none at 0. A rate above 0 is
  // at least a call an hour.
  int64_t due(double rate, TimePoint now);
  // When to ask again, at the latest, if the rate does not change.
  TimePoint next(TimePoint now) const;

 private:
  TimePoint last_due_;
  TimePoint::duration gap_{0};  // between two calls; 0: none is due
};

}  // namespace load
