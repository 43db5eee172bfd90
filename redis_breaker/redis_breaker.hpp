// A RedisBreaker is one breaker that many processes share: the state machine runs inside Redis, an event at a time, and
// each process answers from what it knows of it (shared_view.hpp), which Redis keeps fresh by pushes (link.hpp).
// Thread-safe: every method. The listener runs on the calling thread, or on the link's; a transition is reported by the
// process whose question to Redis made it, and by no other. The listener must not destroy the breaker.
// Cost: a successful call on a healthy circuit reads a few atomics and a coarse clock; no lock, no Redis command. With
// a sliding window it adds to a counter that is reported every 100 ms. A rejection reads the clock. A failure is one
// round trip, and so is a probe's lease, which one caller of the process asks for while the others are rejected. How
// old what it answers from may be: a push takes a millisecond or so; where pushes fail, a second at most. Redis sick or
// gone: no call waits for it more than once, none fails. Each process goes on with a breaker of stage 1 that begins
// where the shared one was last seen, and forgets it when Redis is well again. Errors: the constructor throws
// std::invalid_argument for a bad name or setting.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>

#include "redis_breaker/redis/client.hpp"
#include "redis_breaker/script/breaker_script.hpp"
#include "redis_breaker/sync/breaker_view.hpp"
#include "redis_breaker/sync/synchronizer.hpp"
#include "simple_breaker/circuit_breaker.hpp"
#include "simple_breaker/event.hpp"
#include "simple_breaker/fast_path/striped_counter.hpp"
#include "simple_breaker/policies/managed_breaker.hpp"
#include "simple_breaker/policy.hpp"

namespace cb {

// What breakers of one kind have in common, so that many of them cost little. Throws as require_valid() does.
struct RedisBreakerGroup {
  RedisBreakerGroup(redis::Client& client, Policy policy, Listener listener = {}, std::string instance = "");
  const Policy policy;
  const BreakerScript script;
  const Listener listener;
  const std::shared_ptr<const Setup> local_setup;  // of the local breakers
  const std::unique_ptr<Synchronizer> synchronizer;
};

class RedisBreaker final : public ManagedBreaker, private SynchronizedBreaker {
 public:
  RedisBreaker(redis::Client& client, const std::string& name, const Policy& policy, Listener listener = {});
  RedisBreaker(std::shared_ptr<const RedisBreakerGroup> group, Identity identity);
  ~RedisBreaker() override;
  RedisBreaker(const RedisBreaker&) = delete;
  RedisBreaker& operator=(const RedisBreaker&) = delete;

  Admission acquire() override;
  DetailedStatus detailed_status() override;
  std::string apply_override(const Override& order, std::chrono::milliseconds lasts) override;
  void report_health(Health health) override;
  State known_state() const override;
  bool is_evictable() const override;

  // Of the shared breaker, as far as is known here.
  uint64_t known_generation() const { return view_.packed().generation(); }
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

  // What becomes of a call, before anybody is told.
  struct Verdict {
    enum class Kind { permit, rejection, local };
    Kind kind = Kind::local;
    PackedState packed{};
    TimePoint from{};
  };

  Admission acquire_slowly();
  std::optional<Verdict> verdict_from_view() const;
  Admission admission_from(const Verdict& verdict);
  Admission admission_from(const std::optional<ScriptReply>& reply);
  Admission reject(State state, TimePoint from, TimePoint now);
  Settled settle_slowly(const PermitId& id, const CallResult& result);
  Settled settle_in_redis(const PermitId& id, const CallResult& result);
  void count_success();
  void record_slow_call(StateGeneration stay, const CallResult& result);
  void record_late_result(StateGeneration stay, Outcome outcome, uint32_t count);

  std::optional<ScriptReply> query(const Request& request, EventKind kind = EventKind::transition);
  std::optional<ScriptReply> query_without_notifying(
      const Request& request);  // the listener is told by the caller: notify_transitions()
  BreakerScript::Result query_in_order(const Request& request);
  BreakerScript::Result query_unless_unavailable(uint64_t period, const Request& request, uint32_t successes);
  BreakerScript::Result query_and_apply(const Request& request, uint32_t successes);
  uint32_t take_successes();
  void notify_transitions(const ScriptReply& reply, EventKind kind);

  bool is_available() const { return group_->synchronizer->availability().is_available(); }
  CircuitBreaker& local_breaker();
  Settled settle_locally(const PermitId& id, Outcome outcome);
  bool is_local() const;

  const std::shared_ptr<const RedisBreakerGroup> group_;
  const Identity identity_;
  const std::string name_;
  const bool times_calls_;  // here and not two pointers away, as each call asks
  const bool counts_calls_;
  BreakerView view_;
  StripedCounter successes_;  // of the view's stay, not reported yet
  std::atomic<bool> will_report_{false};
  std::shared_mutex requests_mutex_;        // held by those who ask Redis: see query_in_order()
  std::atomic<int> exclusive_requests_{0};  // who ask alone, or wait until they may
  std::atomic<int> permit_requests_{0};     // who ask for a permit, or wait until they may
  std::mutex permit_request_mutex_;         // held by the one who asks

  std::mutex mutex_;
  std::unique_ptr<CircuitBreaker> local_;           // made once, under mutex_
  std::atomic<uint64_t> local_period_{0};           // in which local_ began; 0: there is none
  StoreTrouble trouble_;                            // guarded by mutex_: what a question met with
  std::atomic<uint64_t> unavailable_in_period_{0};  // in this era of the guard

  std::atomic<uint64_t> late_results_{0};
  std::atomic<uint64_t> slow_calls_{0};
  std::atomic<uint64_t> would_have_tripped_{0};
  std::atomic<uint64_t> store_errors_{0};
  std::atomic<uint64_t> local_calls_{0};
};

}  // namespace cb
