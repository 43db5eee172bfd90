#include "load_generator/control_room/event_dates.hpp"

#include <algorithm>
#include <cstdlib>

namespace load {

using std::chrono::milliseconds;

void EventDates::look_at_clocks(const Moment& moment) {
  const int64_t start = moment.epoch_ms - std::chrono::floor<milliseconds>(moment.now).count();
  if (std::abs(start - starts_.back()) <= tolerance_ms) return;
  starts_.push_back(start);
  if (starts_.size() > most_ways) starts_.erase(starts_.begin());
}

Offset EventDates::offset_of(int64_t epoch_ms, Offset heard_before, Offset now) const {
  Offset best{0};
  Offset least_miss = Offset::max();
  for (auto start = starts_.rbegin(); start != starts_.rend(); ++start) {
    const Offset at = milliseconds(epoch_ms - *start);
    const Offset miss = std::max({heard_before - at, at - now, Offset(0)});
    if (miss >= least_miss) continue;
    least_miss = miss;
    best = at;
  }
  return std::min(best, now);
}

}  // namespace load
