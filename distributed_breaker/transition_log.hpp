// A TransitionLog keeps the last transitions that a breaker reported, for GET /status, and writes each as a log line.
// Thread-safe: every method. Bounded: the oldest of more than 100 is forgotten.
#pragma once

#include <deque>
#include <mutex>
#include <vector>

#include "simple_breaker/event.hpp"

namespace cb {

class TransitionLog {
 public:
  Listener listener();  // to be given to a breaker that this log outlives
  std::vector<Transition> transitions() const;

 private:
  void add(const Transition& transition);

  mutable std::mutex mutex_;
  std::deque<Transition> transitions_;  // guarded by mutex_
};

}  // namespace cb
