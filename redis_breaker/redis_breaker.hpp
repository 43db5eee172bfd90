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
struct SharedSetup {
  SharedSetup(redis::Client& client, Policy policy, Listener listener = {}, std::string instance = "");
  const Policy policy;
  const SharedTable table;
  const Listener listener;
  const std::shared_ptr<const Setup> alone;  // of the local breakers
  const std::unique_ptr<Link> link;
};

class RedisBreaker final : public ManagedBreaker, private LinkMember {
 public:
  RedisBreaker(redis::Client& client, const std::string& name, const Policy& policy, Listener listener = {});
  RedisBreaker(std::shared_ptr<const SharedSetup> setup, Identity identity);
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
  uint64_t known_generation() const { return view_.word().generation(); }
  bool is_overridden() const { return view_.word().overridden(); }
  bool is_pushed() const { return view_.is_pushed(); }

 private:
  using Question = std::function<SharedTable::Result(const Seen&)>;

  Settled settle(const PermitId& id, TimePoint started, Outcome outcome) override;

  std::string_view name() const override { return name_; }
  void refresh() override;
  void report() override;
  SharedTable::Result join() override;
  bool on_key_written(std::string_view key) override;

  // What becomes of a call, before anybody is told.
  struct Verdict {
    enum class Kind { permit, rejection, local };
    Kind kind = Kind::local;
    StayWord word{};
    TimePoint from{};
  };

  Admission acquire_slowly();
  std::optional<Verdict> verdict_of_view() const;
  Admission carry_out(const Verdict& verdict);
  Admission carry_out(const std::optional<SharedAnswer>& answer);
  Admission reject(State state, TimePoint from, TimePoint now);
  Settled settle_slowly(const PermitId& id, const CallResult& result);
  Settled ask_to_settle(const PermitId& id, const CallResult& result);
  void count_success();
  void note_slow(StateGeneration stay, const CallResult& result);
  void note_late(StateGeneration stay, Outcome outcome, uint32_t count);

  std::optional<SharedAnswer> ask(const Question& question, EventKind kind = EventKind::transition);
  std::optional<SharedAnswer> ask_quietly(
      const Question& question);  // the listener is told by the caller: notify_transitions()
  SharedTable::Result learn_in_order(const Question& question);
  SharedTable::Result learn_unless_away(uint64_t era, const Question& question, uint32_t successes);
  SharedTable::Result learn_from(const Question& question, uint32_t successes);
  uint32_t take_successes();
  void notify_transitions(const SharedAnswer& answer, EventKind kind);

  bool is_joined() const { return setup_->link->guard().is_joined(); }
  CircuitBreaker& alone();
  Settled settle_alone(const PermitId& id, Outcome outcome);
  bool is_alone() const;

  const std::shared_ptr<const SharedSetup> setup_;
  const Identity identity_;
  const std::string name_;
  const bool times_calls_;  // here and not two pointers away, as each call asks
  const bool counts_calls_;
  SharedView view_;
  StripedCounter successes_;  // of the view's stay, not reported yet
  std::atomic<bool> will_report_{false};
  std::shared_mutex on_the_way_;      // held by those who ask Redis: see learn_in_order()
  std::atomic<int> asking_alone_{0};  // who ask alone, or wait until they may
  std::atomic<int> askers_{0};        // who ask for a permit, or wait until they may
  std::mutex asking_;                 // held by the one who asks

  std::mutex mutex_;
  std::unique_ptr<CircuitBreaker> alone_;  // made once, under mutex_
  std::atomic<uint64_t> alone_era_{0};     // in which alone_ began; 0: there is none
  StoreTrouble trouble_;                   // guarded by mutex_: what a question met with
  std::atomic<uint64_t> away_in_era_{0};   // in this era of the guard

  std::atomic<uint64_t> late_results_{0};
  std::atomic<uint64_t> slow_calls_{0};
  std::atomic<uint64_t> would_have_tripped_{0};
  std::atomic<uint64_t> store_errors_{0};
  std::atomic<uint64_t> local_calls_{0};
};

}  // namespace cb
