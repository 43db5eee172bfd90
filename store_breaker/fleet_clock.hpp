// A FleetClock is the time of a breaker whose store has no clock. The wall clocks of a fleet may differ by minutes: an
// instance that reads `open_until` by its wall clock admits after a millisecond, or after two minutes. Therefore the
// time of the newest record counts, carried forward by this machine's steady clock since the instance saw that record.
// An instance is behind the writer by as long as the record took to arrive; of many records the quickest counts. While
// no instance looks, a breaker's time stands still. Thread-safe: every method.
// Bounded, as names may be made up: of more than 100,000 breakers, those that this instance has not looked at for a
// minute are forgotten, breaks after an hour. It is then like an instance that has just joined.
// Invariants: a breaker's time never goes back unless it was forgotten; no wall clock matters once there is a record.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "simple_breaker/breaker.hpp"
#include "simple_breaker/clock.hpp"

namespace cb {

class FleetClock {
 public:
  // `steady` must never go back, and shows the wall time only for the first record.
  explicit FleetClock(Clock steady) : steady_(std::move(steady)) {}

  struct Reading {
    TimePoint now;
    std::chrono::microseconds ahead{0};  // of the steady clock
  };

  // The time of `breaker`. `newest`: when its record, which this instance has just read, was written; nothing: there is
  // no record. `state`: in that record.
  Reading read(const std::string& breaker, std::optional<TimePoint> newest, State state = State::closed);

  // The record that this instance wrote at that time is the newest one.
  void wrote(const std::string& breaker, const Reading& at, State state = State::closed);

 private:
  struct Known {
    std::chrono::microseconds ahead{0};
    TimePoint kept_until{};  // by the steady clock
  };
  std::chrono::microseconds learn(const std::string& breaker, const Reading& at, State state);
  void forget_unused(TimePoint steady);

  const Clock steady_;
  std::mutex mutex_;
  std::map<std::string, Known> known_;  // guarded by mutex_, like what follows
  size_t forget_at_ = 0;                // this many
};

}  // namespace cb
