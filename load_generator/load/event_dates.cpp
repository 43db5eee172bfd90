#include "load_generator/load/event_dates.hpp"

#include <algorithm>
#include <cstdlib>

namespace load {
namespace {

using std::chrono::milliseconds;
using SteadyClock = std::chrono::steady_clock;

Moment read_both(SteadyClock::time_point start) {
  const auto now = std::chrono::duration_cast<Offset>(SteadyClock::now() - start);
  const auto date = std::chrono::system_clock::now().time_since_epoch();
  return {now, std::chrono::duration_cast<milliseconds>(date).count()};
}

// The epoch time of offset 0, for a clock that shows `epoch_ms` at `now`.
int64_t start_of(int64_t epoch_ms, Offset now) { return epoch_ms - std::chrono::floor<milliseconds>(now).count(); }

}  // namespace

// Reads both clocks at the same moment: if the thread is suspended in between, it must not look as if a clock was set.
Moment moment_since(SteadyClock::time_point start) {
  Moment moment = read_both(start);
  for (int tries = 1; tries < 5 && SteadyClock::now() - start - moment.now > milliseconds(10); ++tries) {
    moment = read_both(start);
  }
  return moment;
}

void EventDates::compare_clocks(const Moment& moment) {
  const int64_t start = start_of(moment.epoch_ms, moment.now);
  if (std::abs(start - starts_.back()) <= tolerance_ms) return;
  starts_.push_back(start);
  if (starts_.size() > most_positions) starts_.erase(starts_.begin());
}

Offset EventDates::offset_of(int64_t epoch_ms, Offset last_poll, Offset now) const {
  return std::min(best_reading(epoch_ms, last_poll, now).at, now);
}

Offset EventDates::offset_of_new_event(int64_t epoch_ms, Offset last_poll, Offset now) {
  if (best_reading(epoch_ms, last_poll, now).miss > longest_delay) {
    if (starts_.size() == most_positions) starts_.erase(starts_.begin());
    starts_.insert(starts_.begin(), start_of(epoch_ms, now));
  }
  return offset_of(epoch_ms, last_poll, now);
}

EventDates::Reading EventDates::best_reading(int64_t epoch_ms, Offset last_poll, Offset now) const {
  Reading best{Offset(0), Offset::max()};
  for (auto start = starts_.rbegin(); start != starts_.rend(); ++start) {
    const Offset at = milliseconds(epoch_ms - *start);
    const Offset miss = std::max({last_poll - at, at - now, Offset(0)});
    if (miss < best.miss) best = {at, miss};
  }
  return best;
}

}  // namespace load
