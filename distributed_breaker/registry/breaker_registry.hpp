// A BreakerRegistry holds the common breaker and one breaker per context: a tenant, a host, a shard. A breaker is
// created when its context is first used, but not to be read. An idle one costs only its memory: no thread, no timer.
// Bounded: at most `max_breakers` contexts. Without room the least recently used breaker is evicted, but never one in
// use (a permit must not outlive its breaker) or one that is not evictable (open, half-open, overridden, or with recent
// evidence in its counts). If none can be evicted, the new context shares the common breaker, and its failures count
// there: made-up contexts can neither fill the memory nor evict the evidence of an outage.
// Thread-safe: every method. at() takes a constant number of steps under a lock, however many breakers there are.
// Errors: the constructor throws std::invalid_argument naming the setting; afterwards only `make` may throw.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <limits>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "simple_breaker/policies/identity.hpp"
#include "simple_breaker/policies/managed_breaker.hpp"

namespace cb {

// The number of breakers, including the common one, and how many of them are open.
struct BreakerCounts {
  size_t all = 0;
  size_t open = 0;
};

class BreakerRegistry {
 public:
  // Runs under the registry's lock, so it must not call the registry. std::make_shared saves an allocation.
  using Make = std::function<std::shared_ptr<ManagedBreaker>(const Identity&)>;
  using SteadyClock = std::chrono::steady_clock;
  using Now = std::function<SteadyClock::time_point()>;
  using Visit = std::function<void(const std::string& context, const std::shared_ptr<ManagedBreaker>& breaker)>;

  static constexpr size_t all = std::numeric_limits<size_t>::max();
  static constexpr size_t most_breakers = 1'000'000;

  // `max_breakers`: 0 to most_breakers; 0: every context shares the common breaker.
  // `now`: what a test replaces.
  BreakerRegistry(std::string name, size_t max_breakers, Make make, Now now = SteadyClock::now);
  BreakerRegistry(const BreakerRegistry&) = delete;
  BreakerRegistry& operator=(const BreakerRegistry&) = delete;

  ManagedBreaker& common() const { return *common_; }

  // Hold the result as long as any permit of it. `context`: is_valid_context(), or empty for the common breaker.
  std::shared_ptr<ManagedBreaker> at(const std::string& context);

  // The breaker that at() would return, to be read only: nothing is evicted, and one that does not exist yet is made
  // for this caller only. A breaker in a store shows the state there.
  std::shared_ptr<ManagedBreaker> to_read(const std::string& context) const;

  size_t size() const;  // including the common breaker
  BreakerCounts counts() const;

  // Visits at most `most` open breakers, the common one first. Visits each that is open throughout. Locks only while
  // it scans a part of the breakers, never while it calls `visit`.
  void for_each_open(size_t most, const Visit& visit) const;

 private:
  struct Entry {
    std::string context;
    std::shared_ptr<ManagedBreaker> breaker;
    SteadyClock::time_point used_at;
  };
  using Entries = std::list<Entry>;

  std::shared_ptr<ManagedBreaker> add(const std::string& context);
  std::shared_ptr<ManagedBreaker> evict_one();  // the evicted breaker, or nullptr
  bool can_be_evicted(const Entry& entry) const;
  bool has_room() const;
  std::vector<Entry> open_among(size_t first_bucket) const;

  const std::string name_;
  const size_t max_breakers_;
  const Make make_;
  const Now now_;
  const std::shared_ptr<ManagedBreaker> common_;
  mutable std::mutex mutex_;
  Entries entries_;  // guarded by mutex_; most recently used first

  // Guarded by mutex_; the keys are views of the entries' contexts. Never rehashed: an entry stays in its bucket, so
  // that a scan in several steps misses none.
  std::unordered_map<std::string_view, Entries::iterator> by_context_;
};

}  // namespace cb
