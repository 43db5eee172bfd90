// A BreakerList holds the breakers that a synchronizer keeps fresh, by name, and the ones that have something to
// report. Thread-safe: every method. A removed breaker is not called again: remove() waits for a call that is running.
// Several breakers may have the same name: each is called.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "redis_breaker/cached_core.hpp"

namespace cb {

// A breaker as its synchronizer sees it. Called on the synchronizer's thread.
class SynchronizedBreaker {
 public:
  virtual ~SynchronizedBreaker() = default;
  virtual std::string_view name() const = 0;
  virtual uint64_t known_generation() const = 0;  // of the view; 0: none yet. Takes no lock
  virtual void refresh() = 0;                     // fetches the state from Redis
  virtual void report() = 0;                      // sends the counted successes to Redis
  virtual StoreResult reconnect() = 0;            // while Redis is unavailable: does it accept writes again?

  // cb:NAME:`key` was written. Returns true if the breaker needs a refresh_if_written().
  virtual bool on_key_written(std::string_view key) = 0;
  virtual void refresh_if_written() = 0;  // unless it has asked since then
  virtual void on_news(const News& news) = 0;
};

class BreakerList {
 public:
  using SteadyClock = std::chrono::steady_clock;
  using Action = std::function<void(SynchronizedBreaker&)>;

  static constexpr std::chrono::milliseconds between_reports{100};

  void add(SynchronizedBreaker& breaker);
  void remove(SynchronizedBreaker& breaker);

  // Runs `action` for each breaker of that name that is still in the list, without holding the lock.
  void for_each_named(std::string_view name, const Action& action);

  // At most `most` names after `after`, in order; wraps around at the end.
  std::vector<std::string> names(size_t most, const std::string& after = "") const;

  // A breaker whose generation is known; none: an empty name.
  struct Known {
    std::string name{};
    uint64_t generation = 0;
    bool operator==(const Known&) const = default;
  };
  Known any_known() const;
  bool contains(std::string_view name) const { return !named(name).empty(); }

  void report_soon(SynchronizedBreaker& breaker);  // queued once until it has reported

  // At most 50 at a time, so that pushes are processed in between.
  void call_reports_due(SteadyClock::time_point now);
  SteadyClock::time_point next_report_due() const;  // max(): none

 private:
  struct Entry {
    SynchronizedBreaker* breaker;
    SteadyClock::time_point may_report_at{};
  };

  std::vector<SynchronizedBreaker*> named(std::string_view name) const;
  void call(SynchronizedBreaker& breaker, std::string_view name, const Action& action);

  mutable std::mutex mutex_;
  std::condition_variable call_finished_;
  std::multimap<std::string_view, Entry> entries_;  // guarded by mutex_; the breakers own the names
  std::set<std::pair<SteadyClock::time_point, SynchronizedBreaker*>>
      to_report_;                                   // guarded by mutex_; by the time when they may
  std::vector<SynchronizedBreaker*> being_called_;  // guarded by mutex_; an action may call others
};

}  // namespace cb
