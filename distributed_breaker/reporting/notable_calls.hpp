// NotableCalls keeps the last calls of an instance that tell something about the upstream or the breaker, for GET
// /status: those that failed or had no answer, probes, and those whose result came late. Of plain successes and of
// rejections an outage has thousands, and they cost nothing here: they are counted elsewhere.
// Thread-safe: every method. Bounded: the oldest of more than 100 is forgotten; a gap in the numbers shows it.
#pragma once

#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <vector>

#include "distributed_breaker/reporting/metrics.hpp"
#include "simple_breaker/breaker.hpp"

namespace cb {

struct NotableCall {
  std::string context;  // empty: of the common breaker
  TimePoint at;         // when its last attempt was sent; where none was, when it was given up
  CallStatus status = CallStatus::failure;
  uint64_t generation = 0;  // the stay that admitted it; 0: no attempt was made
  bool probe = false;
  bool late = false;
  int upstream_calls = 0;
  uint64_t number = 0;  // given when it is noted: 1, 2, 3... since the start of the instance
};

class NotableCalls {
 public:
  void note(NotableCall call);  // one that tells nothing is let pass
  std::vector<NotableCall> calls() const;

 private:
  mutable std::mutex mutex_;
  uint64_t last_number_ = 0;       // guarded by mutex_
  std::deque<NotableCall> calls_;  // guarded by mutex_
};

}  // namespace cb
