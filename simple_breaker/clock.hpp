// The clocks of a breaker. Tests and demos bring their own.
#pragma once

#include <time.h>

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

// The monotonic clock behind both, unconverted: a call that compares only ages reads it at half the cost.
using SteadyTime = std::chrono::time_point<std::chrono::steady_clock, std::chrono::nanoseconds>;
inline SteadyTime read_monotonic(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return SteadyTime{std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec)};
}
inline SteadyTime steady_time() { return read_monotonic(CLOCK_MONOTONIC); }
inline SteadyTime coarse_steady_time() { return read_monotonic(CLOCK_MONOTONIC_COARSE); }

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
TimePoint wall_time(SteadyTime at);

}  // namespace cb
