// A StoreGate is a breaker in front of the store: it decides whether requests may go there. A request that fails raises
// doubt: from then on no call waits for the store, and every breaker of the instance uses its local breaker. One
// attempt is made at once, as a single late answer or a single broken connection is not an outage. If it fails, the
// outage is reported, and attempts follow after 250 ms, then less often, up to every 2 s, with jitter, so that a fleet
// does not return all at once. If the store is lost again within 10 s, the first attempt waits, each time twice as long
// as the time before. A store that keeps losing what it is given counts as unavailable too (loss_meter.hpp).
// Thread-safe: every method. What happens is also a notice, which the caller of these methods delivers: with no lock
// held.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <random>
#include <string>

#include "redis_breaker/state_store.hpp"
#include "redis_breaker/sync/loss_meter.hpp"
#include "redis_breaker/sync/settings_watch.hpp"
#include "simple_breaker/clock.hpp"
#include "simple_breaker/notices/notice_queue.hpp"

namespace cb {

class StoreGate {
 public:
  // `name`: of the store. `seed`: of the jitter, which must differ between instances.
  StoreGate(const StoreName& name, std::shared_ptr<SharedListener> listener, Clock clock = steady_wall_clock,
            uint32_t seed = std::random_device{}());

  using Writes = StateStore::Writes;

  // `action` runs on the causing thread whenever the store becomes unavailable or recovers. Set it before the first
  // request.
  void when_changed(std::function<void()> action) { when_changed_ = std::move(action); }

  // Increases whenever the store becomes unavailable or recovers; odd while it is available.
  uint64_t period() const { return period_.load(std::memory_order_acquire); }
  bool is_available() const { return period() % 2 == 1; }

  // When the store was last found again; the epoch: it was never lost.
  TimePoint recovered_at() const { return recovered_at_.load(std::memory_order_acquire); }

  // The last error; empty while the store is available.
  std::string error() const;

  // The breaker whose request failed last: in a cluster the others may use servers that work.
  std::string lost_by() const;

  // Asks the store, unless it is unavailable. If it fails, the period in which the request began ends.
  // Writes::always: an attempt to reconnect, which is asked in any case and changes nothing here.
  StoreResult apply(StateStore& store, const std::string& breaker, const LastKnown& known,
                    const std::vector<Event>& events, Writes writes);

  // The same in two steps, for a caller that asks the store by itself, while it is available: what the result means of
  // a request that began in the period `asked_in`.
  StoreResult judge(const std::string& breaker, uint64_t asked_in, Writes writes, StoreResult result);

  // While the store is unavailable: how long to wait before the next attempt to reconnect, and how one ended.
  std::chrono::milliseconds left() const;
  void attempted(const StoreResult& result);

  // While the store is unavailable: runs `attempt` if one is due; the store is available again if that succeeds.
  // Returns how long to wait before the next attempt; 0: available. One thread only.
  std::chrono::milliseconds try_to_reconnect(const std::function<StoreResult()>& attempt);

  const NoticeQueue& notices() const { return notices_; }

  // Reports a problem outside a breaker's request.
  void report_problem(const std::string& what) const;

 private:
  void lose(uint64_t period, const std::string& breaker, const std::string& error);
  void report_oddities(const std::string& breaker, const Answer& answer);
  void recover();
  void fail_again(const std::string& error);
  void report_outage();
  void wait_before_next_attempt();

  const std::string title_;  // of the store
  const NoticeQueue notices_;
  const Clock clock_;
  std::function<void()> when_changed_ = [] {};
  LossMeter losses_;
  SettingsWatch settings_watch_;
  std::atomic<uint64_t> period_{1};  // odd: available; changes under mutex_
  std::atomic<TimePoint> recovered_at_{TimePoint{}};
  mutable std::mutex mutex_;
  std::string error_;  // guarded by mutex_, like everything below
  std::string lost_by_;
  TimePoint changed_at_{};              // when the period began
  std::chrono::milliseconds break_{0};  // before the attempt at attempt_at_
  TimePoint attempt_at_{};
  bool is_reported_ = false;  // this outage
  std::minstd_rand random_;   // guarded by mutex_, and small: a simulation has a gate for each of 100,000 instances
};

}  // namespace cb
