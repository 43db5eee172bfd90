// The clocks of a breaker. Tests and demos bring their own.
#pragma once

#include <chrono>
#include <functional>

#include "simple_breaker/breaker.hpp"

namespace cb {

using Clock = std::function<TimePoint()>;

// The wall time at the first use, carried forward by the steady clock: setting the wall clock neither shortens nor
// lengthens a break.
TimePoint steady_wall_clock();

// The same clock at an eighth of the cost. It moves with the kernel's ticks of 1 to 10 ms, and is some ticks behind.
TimePoint coarse_wall_clock();

// What a clock that may be behind says of the time: it is `earliest` to `latest`. What holds for both holds for it.
struct ClockReading {
  explicit ClockReading(TimePoint exactly) : earliest(exactly), latest(exactly) {}
  ClockReading(TimePoint reading, std::chrono::microseconds most_behind)
      : earliest(reading), latest(reading + most_behind) {}

  bool is_exact() const { return earliest == latest; }

  TimePoint earliest;
  TimePoint latest;
};

using CoarseClock = std::function<ClockReading()>;

// What coarse_wall_clock() says of the time on steady_wall_clock().
ClockReading coarse_reading();

// What steady_wall_clock() showed at that time.
TimePoint wall_time(std::chrono::steady_clock::time_point at);

}  // namespace cb
