// TimeNeeded learns how long an attempt takes, so that no slot of a bulkhead goes to a call with less time left.
// It rises at once and falls by half: a slow attempt matters more than many quick ones. An attempt without an answer
// needs more time than it had, so it counts twice. The attempts at a hung upstream therefore get more and more time,
// until their timeouts are evidence against it.
// A value; not thread-safe. Source: the "peak EWMA" of Finagle's load balancer.
#pragma once

#include <algorithm>

#include "distributed_breaker/resilience/deadline.hpp"

namespace cb {

class TimeNeeded {
 public:
  using Duration = SteadyTime::duration;

  // Zero until an attempt has ended: nothing is known, so every call may try.
  Duration get() const { return needed_; }

  void attempt_took(Duration took) { needed_ = std::max(took, (needed_ + took) / 2); }
  void no_answer_within(Duration timeout) { needed_ = std::max(needed_, 2 * timeout); }

 private:
  Duration needed_{0};
};

}  // namespace cb
