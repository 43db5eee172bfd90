#include "store_breaker/fleet_clock.hpp"

#include <algorithm>

namespace cb {

FleetClock::Reading FleetClock::read(const std::string& breaker, std::optional<TimePoint> newest) {
  const TimePoint steady = steady_();
  const std::scoped_lock lock(mutex_);
  auto known = ahead_.find(breaker);
  if (newest) {
    known = ahead_.try_emplace(breaker, *newest - steady).first;
    known->second = std::max(known->second, *newest - steady);
  }
  const std::chrono::microseconds ahead = known == ahead_.end() ? std::chrono::microseconds(0) : known->second;
  return {steady + ahead, ahead};
}

void FleetClock::wrote(const std::string& breaker, const Reading& at) {
  const std::scoped_lock lock(mutex_);
  const auto known = ahead_.try_emplace(breaker, at.ahead).first;
  known->second = std::max(known->second, at.ahead);
}

}  // namespace cb
