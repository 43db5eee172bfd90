// A TransitionLog keeps the latest transitions of an instance's breakers for GET /status, and writes a log line for
// each notice except rejections and late results, of which an outage has thousands; those are only counted.
// Thread-safe: every method. Bounded: it keeps 100 transitions and drops the oldest.
#pragma once

#include <deque>
#include <mutex>
#include <string>
#include <vector>

#include "simple_breaker/notice.hpp"

namespace cb {

struct LoggedTransition {
  std::string context;  // empty: the common breaker
  Transition transition;
};

class TransitionLog {
 public:
  void record(const Notice& notice);
  std::vector<LoggedTransition> transitions() const;

 private:
  mutable std::mutex mutex_;
  std::deque<LoggedTransition> transitions_;  // guarded by mutex_
};

}  // namespace cb
