// A TransitionLog keeps the last transitions that an instance's breakers reported, for GET /status, and writes what
// they report as log lines: one for each event but for rejections and late results, of which an outage has thousands;
// those are counted.
// Thread-safe: every method. Bounded: the oldest of more than 100 is forgotten.
#pragma once

#include <deque>
#include <mutex>
#include <string>
#include <vector>

#include "simple_breaker/event.hpp"

namespace cb {

struct LoggedTransition {
  std::string context;  // empty: the common breaker
  Transition transition;
};

class TransitionLog {
 public:
  void note(const Event& event);
  std::vector<LoggedTransition> transitions() const;

 private:
  mutable std::mutex mutex_;
  std::deque<LoggedTransition> transitions_;  // guarded by mutex_
};

}  // namespace cb
