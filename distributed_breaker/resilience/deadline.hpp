// A Deadline is the instant at which a call is given up, or none. A call passes it down to each of its parts, which may
// use only the time that remains, so that their timeouts do not add up.
// Immutable and thread-safe. `now` is an argument. Uses the steady clock, which no change of the wall clock affects.
// Source: Nygard, Release It!, ch. 5, "Timeouts"; gRPC's deadline propagation.
#pragma once

#include <algorithm>
#include <chrono>
#include <optional>

namespace cb {

using SteadyTime = std::chrono::steady_clock::time_point;

class Deadline {
 public:
  Deadline() = default;  // none
  explicit Deadline(SteadyTime instant) : instant_(instant) {}

  // Zero: no deadline, as in CallPolicy.
  static Deadline in(std::chrono::milliseconds duration, SteadyTime now = std::chrono::steady_clock::now()) {
    return duration == std::chrono::milliseconds(0) ? Deadline() : Deadline(now + duration);
  }

  std::optional<SteadyTime> instant() const { return instant_; }

  bool over(SteadyTime now = std::chrono::steady_clock::now()) const { return instant_ && now >= *instant_; }

  // std::nullopt: no deadline. Rounded up, so that it is zero only once the deadline is over: to most clients a timeout
  // of zero means "wait for ever".
  std::optional<std::chrono::milliseconds> remaining(SteadyTime now = std::chrono::steady_clock::now()) const {
    if (!instant_) return std::nullopt;
    return std::chrono::ceil<std::chrono::milliseconds>(std::max(*instant_ - now, SteadyTime::duration::zero()));
  }

  // The smaller of `timeout` and the remaining time.
  std::chrono::milliseconds earlier(std::chrono::milliseconds timeout,
                                    SteadyTime now = std::chrono::steady_clock::now()) const {
    return std::min(timeout, remaining(now).value_or(timeout));
  }

 private:
  std::optional<SteadyTime> instant_;
};

}  // namespace cb
