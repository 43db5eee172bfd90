// A StartingLine lets the loads of a race begin at the same moment, and ends all of them if one cannot go on.
// Thread-safe: every method. Errors: RaceEnded.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <stdexcept>

namespace load {

class RaceEnded : public std::runtime_error {
 public:
  RaceEnded() : std::runtime_error("it was stopped before its end, so there is no run of it") {}
};

class StartingLine {
 public:
  using Clock = std::chrono::steady_clock;

  explicit StartingLine(size_t loads) : missing_(loads) {}

  void wait_for_all();         // throws RaceEnded if the race ends first
  void end();                  // releases those that wait, too
  void require_going() const;  // throws RaceEnded if it has ended
  std::optional<Clock::time_point> started_at() const;

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  size_t missing_;  // guarded by mutex_, as are the next
  bool has_ended_ = false;
  std::optional<Clock::time_point> started_at_;
};

}  // namespace load
