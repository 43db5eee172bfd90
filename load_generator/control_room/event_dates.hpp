// When something happened, by the date that a program gave it. A window counts time on a clock that nobody sets, while
// programs date by the system clock, which is set now and then, and stands apart from the other after a suspend; and
// some of them go on as it stood when they were started. So where the system clock has stood is kept, and a date is
// read in the way that puts it between the last time its program was heard and now; the latest way, if several do.
// Bounded. Not thread-safe.
#pragma once

#include <cstdint>
#include <vector>

#include "load_generator/run.hpp"

namespace load {

// One moment, by both clocks.
struct Moment {
  Offset now{0};
  int64_t epoch_ms = 0;
};

class EventDates {
 public:
  static constexpr int64_t tolerance_ms = 50;  // the clock is held to be where it was
  static constexpr size_t most_ways = 32;

  explicit EventDates(int64_t start_epoch_ms) : starts_{start_epoch_ms} {}

  void look_at_clocks(const Moment& moment);
  // No later than now: nobody knows the future.
  Offset offset_of(int64_t epoch_ms, Offset heard_before, Offset now) const;

 private:
  std::vector<int64_t> starts_;  // epoch times of offset 0, one for each place where the system clock stood
};

}  // namespace load
