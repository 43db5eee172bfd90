// EventDates turns the dates that other programs write into offsets from the start of a run. We measure time on a clock
// that is never set; they date by the system clock, which is set now and then, and differs from ours after a suspend;
// and some keep dating as it stood when they started. So the positions of the system clock are kept, and a date is read
// by the one that puts it between the last poll of its program and now; the latest, if several do. Positions from
// before the start are derived from dates of events that are known to be new. Bounded. Not thread-safe.
#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

#include "load_generator/record/run_record.hpp"

namespace load {

// One moment, by both clocks.
struct Moment {
  Offset now{0};
  int64_t epoch_ms = 0;
};

Moment moment_since(std::chrono::steady_clock::time_point start);

class EventDates {
 public:
  static constexpr int64_t tolerance_ms = 50;  // below it the system clock counts as not set
  static constexpr size_t most_positions = 32;
  static constexpr Offset longest_delay = std::chrono::milliseconds(500);  // between an event and its report

  explicit EventDates(int64_t start_epoch_ms) : starts_{start_epoch_ms} {}

  void compare_clocks(const Moment& moment);
  // Never later than now.
  Offset offset_of(int64_t epoch_ms, Offset last_poll, Offset now) const;
  // The same for an event that its program had not reported in the last poll: if no position explains its date, it
  // happened now, which gives one more position. Of several such events, ask for the latest first.
  Offset offset_of_new_event(int64_t epoch_ms, Offset last_poll, Offset now);

 private:
  struct Reading {
    Offset at;
    Offset miss;  // distance from the time in which it can have happened
  };
  Reading best_reading(int64_t epoch_ms, Offset last_poll, Offset now) const;

  std::vector<int64_t> starts_;  // epoch times of offset 0: derived ones, then those of the system clock
};

}  // namespace load
