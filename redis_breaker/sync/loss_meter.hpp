// A LossMeter decides whether Redis keeps what it is given. A Redis that removes a breaker's keys by itself, by
// eviction for example, is forgiven now and then: the script restores them. One that keeps doing so is unfit, which
// counts as unavailable, until it has kept a breaker from one attempt to reconnect to the next. Thread-safe: every
// method. It bounds what restoring costs: no breaker is restored more than 3 times in 10 s, and an instance restores at
// most 20 in a second.
#pragma once

#include <chrono>
#include <deque>
#include <mutex>
#include <string>

#include "redis_breaker/state_store.hpp"

namespace cb {

class LossMeter {
 public:
  // The result of a request, or why Redis is unfit.
  StoreResult judge(const std::string& breaker, StoreResult result, TimePoint now);

  // A line for the log, once a minute; empty: not now.
  std::string line_about(const std::string& breaker, TimePoint now);

 private:
  struct Loss {
    std::string breaker;
    TimePoint at;
  };

  bool is_too_much(const std::string& breaker, TimePoint now) const;

  std::mutex mutex_;
  std::deque<Loss> losses_;  // guarded by mutex_; of the last 10 s
  bool is_unfit_ = false;    // guarded by mutex_
  TimePoint next_line_{};    // guarded by mutex_
};

}  // namespace cb
