// A BreakerList is the list of the breakers that a link keeps fresh, by name, and of those that have something to
// report. Thread-safe: every method. A member that has left is not called any more: remove() waits for a call that is
// under way. Several members may have one name: each is called.
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

#include "redis_breaker/script/breaker_script.hpp"

namespace cb {

// A breaker, as its link sees it. Called on the link's thread.
class SynchronizedBreaker {
 public:
  virtual ~SynchronizedBreaker() = default;
  virtual std::string_view name() const = 0;
  virtual void refresh() = 0;                     // asks Redis what is so
  virtual void report() = 0;                      // tells Redis what was counted here
  virtual BreakerScript::Result reconnect() = 0;  // asks, while Redis is away, whether it takes writes again

  // Somebody has written cb:NAME:`key`. Returns whether it has to refresh().
  virtual bool on_key_written(std::string_view key) = 0;
};

class BreakerList {
 public:
  using SteadyClock = std::chrono::steady_clock;
  using Action = std::function<void(SynchronizedBreaker&)>;

  static constexpr std::chrono::milliseconds between_reports{100};

  void add(SynchronizedBreaker& breaker);
  void remove(SynchronizedBreaker& breaker);

  // Runs `then` for each member of that name, without the lock, unless it has left.
  void for_each_named(std::string_view name, const Action& action);

  // At most `most` names that follow `after` in their order, from the beginning again where there are none.
  std::vector<std::string> names(size_t most, const std::string& after = "") const;

  void report_soon(SynchronizedBreaker& breaker);  // once until it has reported
  // At most 50 at a time, so that what Redis says is heard between them.
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
  std::multimap<std::string_view, Entry> entries_;  // guarded by mutex_; the names are the members'
  std::set<std::pair<SteadyClock::time_point, SynchronizedBreaker*>> to_report_;  // guarded by mutex_; by when they may
  SynchronizedBreaker* being_called_ = nullptr;                                   // guarded by mutex_
};

}  // namespace cb
