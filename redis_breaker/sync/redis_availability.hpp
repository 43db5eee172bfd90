// A RedisGuard stands between the shared breakers and Redis, and is a breaker itself: stage 1's own. The first thing
// that goes wrong opens it; from then on no call waits for Redis, and every breaker of the instance goes on alone. Its
// breaks grow from 250 ms to 2 s, with jitter, so that the instances of a fleet do not come back at the same moment.
// Thread-safe: every method. `changed` runs, and the listener is told, once that Redis is away and once that it is
// back.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <mutex>
#include <string>

#include "redis_breaker/script/breaker_script.hpp"
#include "simple_breaker/circuit_breaker.hpp"

namespace cb {

class RedisGuard {
 public:
  RedisGuard(Listener listener, std::function<void()> changed);

  // Grows whenever Redis goes, and whenever it comes back.
  uint64_t era() const { return era_.load(std::memory_order_acquire); }
  bool is_joined() const { return era() % 2 == 1; }

  // What went wrong last; empty while joined.
  std::string trouble() const;

  // Runs what asks Redis, unless Redis is away, and learns from how that went.
  SharedTable::Result run(const std::function<SharedTable::Result()>& operation);

  // Away: tries `operation` where it is time to, and joins where that goes well. Returns how long to wait before the
  // next time; 0: joined.
  std::chrono::milliseconds try_to_join(const std::function<SharedTable::Result()>& operation);

  // Something that is not a breaker's question went wrong, or could not be had; for people to know.
  void complain(const std::string& what) const;

 private:
  void follow(const Transition& transition);
  void settle(Permit permit, const SharedTable::Result& result);

  const Listener listener_;
  const std::function<void()> changed_;
  std::atomic<uint64_t> era_{1};  // odd: joined
  mutable std::mutex mutex_;
  std::string trouble_;   // guarded by mutex_
  TimePoint away_since_;  // guarded by mutex_
  CircuitBreaker breaker_;
};

}  // namespace cb
