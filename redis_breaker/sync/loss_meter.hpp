// A LossMeter decides whether the store keeps what it is given. One that removes what it has of a breaker by itself, by
// eviction for example, is forgiven now and then: it restores that. One that keeps doing so is unfit, which counts as
// unavailable, until it has kept a breaker from one attempt to reconnect to the next. Thread-safe: every
// method. It bounds what restoring costs: no breaker is restored more than 3 times in 10 s, and an instance restores at
// most 20 in a second.
#pragma once

#include <chrono>
#include <deque>
#include <mutex>
#include <string>
#include <utility>

#include "redis_breaker/state_store.hpp"

namespace cb {

class LossMeter {
 public:
  explicit LossMeter(std::string title) : title_(std::move(title)) {}  // of the store

  // The result of a request, or why the store is unfit.
  StoreResult judge(const std::string& breaker, StoreResult result, TimePoint now);

  // A line for the log, once a minute; empty: not now.
  std::string line_about(const std::string& breaker, TimePoint now);

 private:
  struct Loss {
    std::string breaker;
    TimePoint at;
  };

  bool is_too_much(const std::string& breaker, TimePoint now) const;

  const std::string title_;
  std::mutex mutex_;
  std::deque<Loss> losses_;  // guarded by mutex_; of the last 10 s
  bool is_unfit_ = false;    // guarded by mutex_
  TimePoint next_line_{};    // guarded by mutex_
};

}  // namespace cb
