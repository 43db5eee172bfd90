#include "store_breaker/fleet_clock.hpp"

#include <algorithm>

namespace cb {
namespace {

constexpr size_t most_kept = 100'000;
constexpr std::chrono::minutes closed_kept_for{1};
constexpr std::chrono::minutes break_kept_for{60};  // once forgotten, it lasts its whole length again

}  // namespace

FleetClock::Reading FleetClock::read(const std::string& breaker, std::optional<TimePoint> newest, State state) {
  const TimePoint steady = steady_();
  const std::scoped_lock lock(mutex_);
  std::chrono::microseconds ahead{0};
  if (newest) {
    ahead = learn(breaker, {*newest, *newest - steady}, state);
  } else if (const auto known = known_.find(breaker); known != known_.end()) {
    ahead = known->second.ahead;
  }
  return {steady + ahead, ahead};
}

void FleetClock::wrote(const std::string& breaker, const Reading& at, State state) {
  const std::scoped_lock lock(mutex_);
  learn(breaker, at, state);
}

std::chrono::microseconds FleetClock::learn(const std::string& breaker, const Reading& at, State state) {
  const TimePoint steady = at.now - at.ahead;
  if (known_.size() >= forget_at_) forget_unused(steady);
  Known& known = known_.try_emplace(breaker, Known{at.ahead}).first->second;
  known.ahead = std::max(known.ahead, at.ahead);
  known.kept_until = steady + (state == State::closed ? closed_kept_for : break_kept_for);
  return known.ahead;
}

// Looks at all, but not again before their number has doubled.
void FleetClock::forget_unused(TimePoint steady) {
  std::erase_if(known_, [steady](const auto& entry) { return entry.second.kept_until < steady; });
  forget_at_ = std::max(most_kept, 2 * known_.size());
}

}  // namespace cb
