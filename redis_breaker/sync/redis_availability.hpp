// RedisAvailability decides whether requests may go to Redis. A request that fails raises doubt: from then on no call
// waits for Redis, and every breaker of the instance uses its local breaker. One attempt is made at once, as a single
// late answer or a single broken connection is not an outage. If it fails, the outage is reported, and attempts
// follow after 250 ms, then less often, up to every 2 s, with jitter, so that a fleet does not return all at once.
// If Redis is lost again within 10 s, the first attempt waits, each time twice as long as the time before.
// Thread-safe: every method. `on_change` runs on the causing thread. What happens is also a notice, which the caller of
// these methods delivers: with no lock held.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <random>
#include <string>

#include "redis_breaker/script/breaker_script.hpp"
#include "simple_breaker/circuit_breaker.hpp"
#include "simple_breaker/notices/notice_queue.hpp"

namespace cb {

class RedisAvailability {
 public:
  using Operation = std::function<BreakerScript::Result()>;

  RedisAvailability(std::shared_ptr<SharedListener> listener, std::function<void()> on_change,
                    Clock clock = steady_wall_clock);

  // Increases whenever Redis becomes unavailable or recovers; odd while it is available.
  uint64_t period() const { return period_.load(std::memory_order_acquire); }
  bool is_available() const { return period() % 2 == 1; }

  // The last error; empty while Redis is available.
  std::string error() const;

  // Runs a request, unless Redis is unavailable. If it fails, the period in which it began ends.
  BreakerScript::Result run(const Operation& operation);

  // While Redis is unavailable: runs `operation` if an attempt is due; Redis is available again if that succeeds.
  // Returns how long to wait before the next attempt; 0: available. One thread only.
  std::chrono::milliseconds try_to_reconnect(const Operation& operation);

  const NoticeQueue& notices() const { return notices_; }

  // Reports a problem outside a breaker's request.
  void report_problem(const std::string& what) const;

 private:
  void lose(uint64_t period, const std::string& error);
  void recover();
  void fail_again(const std::string& error);
  void report_outage();
  void wait_before_next_attempt();
  std::chrono::milliseconds left() const;

  const NoticeQueue notices_;
  const std::function<void()> on_change_;
  const Clock clock_;
  std::atomic<uint64_t> period_{1};  // odd: available; changes under mutex_
  mutable std::mutex mutex_;
  std::string error_;                   // guarded by mutex_, like everything below
  TimePoint changed_at_{};              // when the period began
  std::chrono::milliseconds break_{0};  // before the attempt at attempt_at_
  TimePoint attempt_at_{};
  bool is_reported_ = false;  // this outage
  std::mt19937 random_{std::random_device{}()};
};

}  // namespace cb
