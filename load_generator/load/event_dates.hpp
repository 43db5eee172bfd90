// When something happened, by the date that a program gave it. We count time on a clock that nobody sets, while
// programs date by the system clock, which is set now and then, and stands apart from the other after a suspend; and
// some of them go on as it stood when they were started. So where the system clock has stood is kept, and a date is
// read in the way that puts it between the last time its program was heard and now; the latest way, if several do.
// Where it stood before we looked is learnt from dates of what is known to be new. Bounded. Not thread-safe.
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
  static constexpr int64_t tolerance_ms = 50;  // the clock is held to be where it was
  static constexpr size_t most_ways = 32;
  static constexpr Offset latest_report = std::chrono::milliseconds(500);  // something may be told so long after it was

  explicit EventDates(int64_t start_epoch_ms) : starts_{start_epoch_ms} {}

  void look_at_clocks(const Moment& moment);
  // No later than now: nobody knows the future.
  Offset offset_of(int64_t epoch_ms, Offset heard_before, Offset now) const;
  // The same of what its program had not told when it was heard before: if no way explains its date, it happened now,
  // and that is one more way. Of several such events, ask for the latest first.
  Offset offset_of_news(int64_t epoch_ms, Offset heard_before, Offset now);

 private:
  struct Reading {
    Offset at;
    Offset miss;  // how far that is from when it can have been
  };
  Reading best_reading(int64_t epoch_ms, Offset heard_before, Offset now) const;

  std::vector<int64_t> starts_;  // epoch times of offset 0: those that were learnt, then those of the system clock
};

}  // namespace load
