// A RedisAvailability stands between the shared breakers and Redis, and is a breaker itself: stage 1's own. The first
// thing that goes wrong opens it; from then on no call waits for Redis, and every breaker of the instance goes on
// alone. Its breaks grow from 250 ms to 2 s, with jitter, so that the instances of a fleet do not come back at the same
// moment. Thread-safe: every method. `changed` runs, and the listener is told, once that Redis is away and once that it
// is back.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <mutex>
#include <string>

#include "redis_breaker/script/breaker_script.hpp"
#include "simple_breaker/circuit_breaker.hpp"

namespace cb {

class RedisAvailability {
 public:
  RedisAvailability(Listener listener, std::function<void()> on_change);

  // Grows whenever Redis goes, and whenever it comes back.
  uint64_t period() const { return period_.load(std::memory_order_acquire); }
  bool is_available() const { return period() % 2 == 1; }

  // What went wrong last; empty while joined.
  std::string error() const;

  // Runs what asks Redis, unless Redis is away, and learns from how that went.
  BreakerScript::Result run(const std::function<BreakerScript::Result()>& operation);

  // Away: tries `operation` where it is time to, and joins where that goes well. Returns how long to wait before the
  // next time; 0: joined.
  std::chrono::milliseconds try_to_reconnect(const std::function<BreakerScript::Result()>& operation);

  // Something that is not a breaker's question went wrong, or could not be had; for people to know.
  void report_problem(const std::string& what) const;

 private:
  void handle(const Transition& transition);
  void settle(Permit permit, const BreakerScript::Result& result);

  const Listener listener_;
  const std::function<void()> on_change_;
  std::atomic<uint64_t> period_{1};  // odd: joined
  mutable std::mutex mutex_;
  std::string error_;            // guarded by mutex_
  TimePoint unavailable_since_;  // guarded by mutex_
  CircuitBreaker breaker_;
};

}  // namespace cb
