// A RedisBreaker is one breaker that many processes share. The state machine runs inside Redis, one event at a time;
// each process answers calls from a cached view (breaker_view.hpp) that Redis keeps fresh by push (synchronizer.hpp).
// Thread-safe: every method. A transition is reported once in the fleet, by the process whose request caused it, in the
// order of generations. A separate thread delivers what the synchronizer causes: a slow listener delays no push.
// Cost: a success on a healthy circuit reads a few atomics and a coarse clock; with a sliding window it also adds to a
// counter that is sent every 100 ms. A rejection reads the clock. A failure, and one probe request a process, are one
// round trip. The view lags Redis by about a millisecond; if pushes fail, by a second at most.
// If Redis is slow or down, at most one call waits for it and none fails: each process continues on a local breaker
// (local_breaker.hpp) until Redis recovers. Errors: the constructor throws std::invalid_argument for a bad name or
// setting.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>

#include "redis_breaker/local_breaker.hpp"
#include "redis_breaker/redis/client.hpp"
#include "redis_breaker/script/breaker_script.hpp"
#include "redis_breaker/sync/breaker_view.hpp"
#include "redis_breaker/sync/loss_meter.hpp"
#include "redis_breaker/sync/settings_watch.hpp"
#include "redis_breaker/sync/synchronizer.hpp"
#include "simple_breaker/circuit_breaker.hpp"
#include "simple_breaker/fast_path/striped_counter.hpp"
#include "simple_breaker/notice.hpp"
#include "simple_breaker/notices/notice_queue.hpp"
#include "simple_breaker/policies/managed_breaker.hpp"
#include "simple_breaker/policy.hpp"

namespace cb {

// What the breakers of one policy in one process share, so that many of them cost little: the script, the listener and
// one synchronizer thread. Throws as require_valid() does.
struct RedisBreakerGroup {
  RedisBreakerGroup(redis::Client& client, Policy policy, Listener listener = {}, const std::string& instance = "",
                    Script source = breaker_script_source());
  const Policy policy;
  const BreakerScript script;
  const std::shared_ptr<SharedListener> listener;          // nothing: none
  const std::shared_ptr<const BreakerConfig> local_setup;  // of the breakers used while Redis is unavailable
  const std::unique_ptr<LossMeter> losses;
  mutable SettingsWatch settings_watch;
  const std::unique_ptr<Synchronizer> synchronizer;
};

class RedisBreaker final : public ManagedBreaker, private SynchronizedBreaker {
 public:
  RedisBreaker(redis::Client& client, const std::string& name, const Policy& policy, Listener listener = {});
  RedisBreaker(std::shared_ptr<const RedisBreakerGroup> group, const Identity& identity);
  ~RedisBreaker() override;
  RedisBreaker(const RedisBreaker&) = delete;
  RedisBreaker& operator=(const RedisBreaker&) = delete;

  Admission acquire() override;
  DetailedStatus detailed_status() override;
  std::string apply_override(const Override& order, std::chrono::milliseconds lasts) override;
  void report_health(Health health) override;
  std::optional<Rejection> early_rejection(std::chrono::milliseconds wait) override;
  State known_state() const override;
  bool is_evictable(std::chrono::milliseconds idle) const override;

  const NoticeQueue& notices() const { return notices_; }

  // The shared breaker as the cached view has it.
  uint64_t known_generation() const override { return view_.packed().generation(); }
  bool is_overridden() const { return view_.packed().is_overridden(); }
  bool receives_pushes() const { return view_.receives_pushes(); }

 private:
  using Request = std::function<BreakerScript::Result(const LastKnown&)>;

  Settled settle(const PermitId& id, TimePoint started, Outcome outcome) override;

  std::string_view name() const override { return name_; }
  void refresh() override;
  void report() override;
  BreakerScript::Result reconnect() override;
  bool on_key_written(std::string_view key) override;

  // The decision about a call, before any listener runs. `retry_after`: of a rejection.
  struct Verdict {
    enum class Kind { permit, rejection, local };
    Kind kind = Kind::local;
    StateGeneration where{};
    uint64_t probe = 0;
    std::chrono::milliseconds retry_after{};
  };
  class Reporting;

  Admission acquire_slowly();
  Verdict decide();
  std::optional<Verdict> verdict_from_view() const;
  Verdict verdict_from_redis();
  Verdict rejection(StateGeneration where, TimePoint from, TimePoint now) const;
  void report_rejection(const Verdict& verdict) const;
  Settled settle_slowly(const PermitId& id, const CallResult& result);
  Settled settle_success(const PermitId& id, PackedState packed);
  Settled settle_in_redis(const PermitId& id, const CallResult& result);
  bool count_success(StateGeneration admitted_in);
  void forget_local_failures();
  void record_slow_call(StateGeneration where, const CallResult& result);
  void record_late_result(StateGeneration where, Outcome outcome, uint64_t count);

  std::optional<ScriptReply> query(const Request& request, NoticeKind kind = NoticeKind::transition);
  BreakerScript::Result query_in_order(const Request& request);
  enum class Successes { reported, kept };
  BreakerScript::Result query_unless_unavailable(uint64_t period, const Request& request, Successes successes);
  BreakerScript::Result query_and_apply(const Request& request, Successes successes);
  StripedCounter::Taken take_successes(uint64_t generation);
  void report_transitions(const ScriptReply& reply, NoticeKind kind);

  bool is_available() const { return group_->synchronizer->availability().is_available(); }
  NoticeQueue local_notices() const;
  LocalBreaker& local_breaker();
  LocalBreaker* existing_local_breaker() const;
  Settled settle_locally(const PermitId& id, const CallResult& result);
  bool is_local() const;

  const std::shared_ptr<const RedisBreakerGroup> group_;
  const std::string name_;
  const NoticeQueue notices_;
  const bool times_calls_;  // cached here: every call reads it
  const bool counts_calls_;
  BreakerView view_;
  StripedCounter successes_;  // not yet reported to Redis
  std::atomic<bool> will_report_{false};
  std::shared_mutex requests_mutex_;        // held while a request is sent: see query_in_order()
  std::atomic<int> exclusive_requests_{0};  // requests that carry successes: sent or waiting
  std::atomic<int> permit_requests_{0};     // callers that request a permit or wait to
  std::mutex permit_request_mutex_;         // one permit request at a time

  std::mutex mutex_;
  static constexpr uint64_t none = ~uint64_t{0};
  std::unique_ptr<LocalBreaker> local_;             // created once, under mutex_
  std::atomic<uint64_t> local_version_{none};       // the version of the view that local_ follows; none: no local_
  StoreTrouble trouble_;                            // guarded by mutex_; the last failed request
  std::atomic<uint64_t> unavailable_in_period_{0};  // the availability period in which a request failed

  std::atomic<uint64_t> late_results_{0};
  std::atomic<uint64_t> slow_calls_{0};
  std::atomic<uint64_t> would_have_tripped_{0};
  std::atomic<uint64_t> store_errors_{0};
  std::atomic<uint64_t> local_calls_{0};
};

}  // namespace cb
