// NotableCalls keeps an instance's latest notable calls for GET /status: calls that failed or had no answer, probes,
// and calls whose result came late. Plain successes and rejections are too many to keep; they are only counted.
// Thread-safe: every method. Bounded: it keeps 100 calls and drops the oldest; a gap in the numbers shows the loss.
#pragma once

#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <vector>

#include "distributed_breaker/reporting/call_status.hpp"
#include "simple_breaker/breaker.hpp"

namespace cb {

struct NotableCall {
  std::string context{};  // empty: the common breaker
  TimePoint at{};         // when its last attempt was sent; without an attempt, when the call was given up
  CallStatus status = CallStatus::failure;
  uint64_t generation = 0;  // the one that admitted it; 0: no attempt was made
  bool probe = false;
  bool late = false;
  int upstream_calls = 0;
  uint64_t number = 0;  // assigned by record(): 1, 2, 3... since the instance started
};

class NotableCalls {
 public:
  void record(NotableCall call);  // ignores a call that is not notable
  std::vector<NotableCall> calls() const;

 private:
  mutable std::mutex mutex_;
  uint64_t last_number_ = 0;       // guarded by mutex_
  std::deque<NotableCall> calls_;  // guarded by mutex_
};

}  // namespace cb
