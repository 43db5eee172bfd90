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

// The same clock at a quarter of the cost, up to 4 ms behind.
TimePoint coarse_wall_clock();

// What steady_wall_clock() showed at that time.
TimePoint wall_time(std::chrono::steady_clock::time_point at);

}  // namespace cb
