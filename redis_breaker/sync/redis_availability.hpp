// RedisAvailability decides whether requests may go to Redis. It is a circuit breaker itself, stage 1's: the first
// failure opens it; from then on no call waits for Redis, and every breaker of the instance uses its local breaker. Its
// breaks grow from 250 ms to 2 s, with jitter, so that the instances of a fleet do not return at the same moment.
// Thread-safe: every method. `on_change` runs once when Redis becomes unavailable, once when it recovers; each is also
// an event, which the caller of these methods delivers: with no lock held.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "redis_breaker/script/breaker_script.hpp"
#include "simple_breaker/circuit_breaker.hpp"
#include "simple_breaker/events/event_queue.hpp"

namespace cb {

class RedisAvailability {
 public:
  RedisAvailability(std::shared_ptr<SharedListener> listener, std::function<void()> on_change);

  // Increases whenever Redis becomes unavailable or recovers; odd while it is available.
  uint64_t period() const { return period_.load(std::memory_order_acquire); }
  bool is_available() const { return period() % 2 == 1; }

  // The last error; empty while Redis is available.
  std::string error() const;

  // Runs a request, unless Redis is unavailable, and records its outcome.
  BreakerScript::Result run(const std::function<BreakerScript::Result()>& operation);

  // While Redis is unavailable: runs `operation` if a try is due; Redis is available again if that succeeds. Returns
  // how long to wait before the next try; 0: available.
  std::chrono::milliseconds try_to_reconnect(const std::function<BreakerScript::Result()>& operation);

  const EventQueue& events() const { return events_; }

  // Reports a problem outside a breaker's request.
  void report_problem(const std::string& what) const;

 private:
  void handle(const Transition& transition);
  void settle(Permit permit, const BreakerScript::Result& result);

  const EventQueue events_;
  const std::function<void()> on_change_;
  std::atomic<uint64_t> period_{1};  // odd: available
  mutable std::mutex mutex_;
  std::string error_;            // guarded by mutex_
  TimePoint unavailable_since_;  // guarded by mutex_
  CircuitBreaker breaker_;
};

}  // namespace cb
