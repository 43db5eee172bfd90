// A BreakerRegistry holds one breaker for everybody (the common one) and one for each context: a tenant, a host, a
// shard. A breaker is made when its context is first asked for; an idle one costs its memory and nothing else: no
// thread, no timer.
// Bounded: at most `max_breakers` of contexts. Where there is no room, the least recently used one goes, and with it
// what it had counted; but never one that somebody holds (a permit must not outlive its breaker), nor one that is not
// forgettable (open, half-open, overridden). Where none can go, the newcomer shares the common breaker: its calls stay
// protected, if by a coarser judgement, and whoever invents contexts can neither fill the memory nor push out what an
// outage has taught.
// Thread-safe: every method. Cost: at() takes a lock for a few look-ups, however many breakers there are.
// Errors: the constructor throws std::invalid_argument naming the setting; afterwards only `make` may throw.
#pragma once

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

// How many breakers there are, the common one included, and how many of them are open.
struct BreakerCounts {
  size_t all = 0;
  size_t open = 0;
};

class BreakerRegistry {
 public:
  // Runs under the registry's lock, which it must not ask for anything. std::make_shared saves an allocation for each.
  using Make = std::function<std::shared_ptr<ManagedBreaker>(const Identity&)>;
  using Visit = std::function<void(const std::string& context, const std::shared_ptr<ManagedBreaker>& breaker)>;

  static constexpr size_t all = std::numeric_limits<size_t>::max();
  static constexpr size_t most_breakers = 1'000'000;

  // `max_breakers`: 0 to most_breakers; 0: every context shares the common breaker.
  BreakerRegistry(std::string name, size_t max_breakers, Make make);
  BreakerRegistry(const BreakerRegistry&) = delete;
  BreakerRegistry& operator=(const BreakerRegistry&) = delete;

  // 1 to 128 characters, of which the whole name (unreliable_service/acme) is a valid one.
  bool is_valid_context(std::string_view context) const;

  ManagedBreaker& common() const { return *common_; }

  // To be held for as long as a permit of it. `context` is a valid one, or empty: the common breaker.
  std::shared_ptr<ManagedBreaker> at(const std::string& context);

  // The breaker that is there, if any; does not count as use.
  std::shared_ptr<ManagedBreaker> find(const std::string& context) const;

  size_t size() const;  // the common one included
  BreakerCounts counts() const;

  // Visits `most` open breakers at most, the common one first. Sees each that is open throughout. Holds the lock only
  // to look at some of them at a time, and never while it calls `visit`.
  void for_each_open(size_t most, const Visit& visit) const;

 private:
  struct Entry {
    std::string context;
    std::shared_ptr<ManagedBreaker> breaker;
  };
  using Entries = std::list<Entry>;

  std::shared_ptr<ManagedBreaker> add(const std::string& context);
  std::shared_ptr<ManagedBreaker> make_room();  // the one that had to go; nothing: none could
  std::vector<Entry> open_among(size_t first_bucket) const;

  const std::string name_;
  const size_t max_breakers_;
  const Make make_;
  const std::shared_ptr<ManagedBreaker> common_;
  mutable std::mutex mutex_;
  Entries entries_;  // guarded by mutex_; most recently used first

  // Guarded by mutex_; the keys are the entries'. It has its buckets from the start: an entry stays in the one it came
  // to, so that a walk in several steps misses none.
  std::unordered_map<std::string_view, Entries::iterator> by_context_;
};

}  // namespace cb
