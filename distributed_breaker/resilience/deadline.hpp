// A Deadline is the instant after which nobody waits for a call any more; or none. It is passed down, so that each part
// of a call takes from what is left, and timeouts do not add up.
// Pure: `now` may be given. Thread-safe: it never changes. On the steady clock: setting the wall clock moves no
// deadline. Source: Nygard, Release It!, ch. 5, "Timeouts"; gRPC's deadline propagation.
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

  // Zero: none, as in CallPolicy.
  static Deadline in(std::chrono::milliseconds duration, SteadyTime now = std::chrono::steady_clock::now()) {
    return duration == std::chrono::milliseconds(0) ? Deadline() : Deadline(now + duration);
  }

  std::optional<SteadyTime> instant() const { return instant_; }

  bool over(SteadyTime now = std::chrono::steady_clock::now()) const { return instant_ && now >= *instant_; }

  // Nothing: no deadline. Rounded up, as to most clients a timeout of zero means "for ever": zero only once it is over.
  std::optional<std::chrono::milliseconds> remaining(SteadyTime now = std::chrono::steady_clock::now()) const {
    if (!instant_) return std::nullopt;
    return std::chrono::ceil<std::chrono::milliseconds>(std::max(*instant_ - now, SteadyTime::duration::zero()));
  }

  // What something with a timeout of its own may take: that, or what remains, whichever is earlier.
  std::chrono::milliseconds earlier(std::chrono::milliseconds timeout,
                                    SteadyTime now = std::chrono::steady_clock::now()) const {
    return std::min(timeout, remaining(now).value_or(timeout));
  }

 private:
  std::optional<SteadyTime> instant_;
};

}  // namespace cb
