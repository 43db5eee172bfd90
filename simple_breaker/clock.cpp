#include "simple_breaker/clock.hpp"

namespace cb {
namespace {

using std::chrono::microseconds;

const microseconds& offset() {
  using namespace std::chrono;
  static const microseconds offset =
      duration_cast<microseconds>(system_clock::now().time_since_epoch() - steady_clock::now().time_since_epoch());
  return offset;
}

// Not through SteadyTime: its nanoseconds would be divided again, which takes 2 of 26 ns.
TimePoint read(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  const auto within_second = static_cast<uint32_t>(now.tv_nsec) / 1000;
  return TimePoint{std::chrono::seconds(now.tv_sec) + microseconds(within_second) + offset()};
}

// The clock was seen two ticks behind, and a virtual machine may hold up the core that moves it: after five ticks
// without a move another core does it. Twice that costs little, as it only makes precise readings more frequent.
microseconds most_behind() {
  constexpr int ticks = 10;
  timespec tick{};
  clock_getres(CLOCK_MONOTONIC_COARSE, &tick);
  return std::chrono::ceil<microseconds>(ticks *
                                         (std::chrono::seconds(tick.tv_sec) + std::chrono::nanoseconds(tick.tv_nsec)));
}

}  // namespace

TimePoint steady_wall_clock() { return read(CLOCK_MONOTONIC); }

TimePoint coarse_wall_clock() { return read(CLOCK_MONOTONIC_COARSE); }

ClockReading coarse_reading() {
  static const microseconds margin = most_behind();
  return {coarse_wall_clock(), margin};
}

TimePoint wall_time(SteadyTime at) {
  return TimePoint{std::chrono::duration_cast<microseconds>(at.time_since_epoch()) + offset()};
}

}  // namespace cb
