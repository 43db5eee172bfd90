// A SharedInstance is the breaker of one simulated instance of stage 3: the core of the cached breaker, its gate and
// its local breaker, as they are; and around them, in place of threads and sockets, what sends and what listens. Each
// part is named after the class of redis_breaker/ whose place it takes. Not thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "load_generator/simulation/fleet/simulated_breaker.hpp"
#include "load_generator/simulation/redis_service.hpp"
#include "redis_breaker/cached_core.hpp"
#include "redis_breaker/local_breaker.hpp"
#include "redis_breaker/redis/round_trips.hpp"
#include "redis_breaker/script/script_call.hpp"
#include "redis_breaker/sync/store_gate.hpp"
#include "store_breaker/cas_exchange.hpp"

namespace simulation {

// While nothing is wrong and no client calls, an instance proves to itself that its view is fresh, again and again.
// That has no effect, so it is not played: what it would send waits until the quiet is over, and its view stays fresh.
struct Quiet {
  bool is_on = false;
  std::vector<EventLoop::Sleeper> waiting{};

  auto over(EventLoop& loop) {
    struct Wait {
      EventLoop& loop;
      Quiet& quiet;
      bool await_ready() const { return !quiet.is_on; }
      void await_suspend(std::coroutine_handle<> self) const { quiet.waiting.push_back(loop.park(self)); }
      void await_resume() const {}
    };
    return Wait{loop, *this};
  }
};

// What the instances of a fleet have in common.
struct SharedFleet {
  EventLoop& loop;
  Network& network;
  RedisService& redis;
  std::shared_ptr<const cb::BreakerConfig> config;  // its clock is the loop's
  std::shared_ptr<const cb::Script> script;
  milliseconds redis_timeout{50};
  FleetObserver& observer;
  Quiet& quiet;
  bool is_store = false;  // stage 4: instances compare-and-set records, and the server runs none of their code
};

class SharedInstance final : public SimulatedBreaker,
                             public RedisListener,
                             public std::enable_shared_from_this<SharedInstance> {
 public:
  static constexpr const char* breaker = "unreliable_service";

  SharedInstance(const SharedFleet& fleet, Node node, uint64_t seed);
  ~SharedInstance() override;

  void start();  // begins to listen; once, as soon as a shared_ptr owns it
  void stop() override;
  void stall(TimePoint until) { stalled_until_ = until; }  // the process stands still

  void acquire(Answer<Admission>& answer) override;
  void settle(Granted& granted, cb::Outcome outcome, Answer<cb::Settled>& answer) override;
  void apply_override(const cb::Override& order, milliseconds lasts) override;
  cb::State state() const override;
  bool is_local() const override;
  void status_asked() override;

  const cb::CachedCore& core() const { return core_; }
  bool is_fresh() const { return core_.view().is_fresh(feed_, fleet_.loop.now()); }

 private:
  using Writes = cb::StateStore::Writes;
  using StoreOutcome = std::function<void(const cb::CachedCore::Outcome&)>;
  struct Waiting {
    cb::CachedCore::Ticket ticket;
    StoreOutcome then;
  };

  // --- FallbackBreaker
  cb::LocalBreaker& local_breaker();
  void noticed(const cb::Notice& notice);
  void acquire_locally(Answer<Admission>& answer);
  void settle_locally(const Granted& granted, cb::Outcome outcome, Answer<cb::Settled>& answer);

  // --- CachedBreaker and PublishedView
  std::optional<cb::Settled> count_success(const Granted& granted);
  cb::CallResult result_of(const Granted& granted, cb::Outcome outcome) const;
  void add_successes();
  uint64_t take_successes();

  // --- CoreShell and RedisStore
  void await(cb::CachedCore::Ticket ticket, StoreOutcome then);
  void ask(cb::Event event, StoreOutcome then);
  void refresh();
  void exchange_if_needed();
  Task exchange(Writes writes, std::shared_ptr<Answer<cb::StoreResult>> done);
  Task exchange_with_store(const cb::CachedCore::Exchange& what, Writes writes,
                           std::shared_ptr<Answer<cb::StoreResult>> done);
  void give_up(const RedisService::ReplyTo& answer, TimePoint deadline);
  RedisService::ReplyTo command(RedisService::Command command);
  void conclude(const cb::StoreResult& result);
  void report_notices();

  // --- Synchronizer and Subscription
  Task listen_again();
  void begin_session();
  void ping(TimePoint begun);
  Task check_regularly(uint64_t connection);
  Task poll_regularly();
  Task reconnect();
  void announced(uint64_t connection, const Announcement& what) override;
  void ponged(uint64_t connection) override;
  void connection_lost(uint64_t connection) override;
  void stop_listening();
  void spread();
  void report_soon();
  void store_changed();

  // After each wait: the process may stand still.
  auto awake() { return fleet_.loop.sleep_until(stalled_until_, true); }

  TimePoint now() const { return fleet_.loop.now(); }
  const cb::Policy& policy() const { return fleet_.config->policy; }

  const SharedFleet& fleet_;
  const Node node_;
  Random random_;
  bool is_stopped_ = false;
  TimePoint stalled_until_{};

  cb::CachedCore core_;
  cb::StoreGate gate_;
  cb::redis::RoundTrips round_trips_;
  const cb::ScriptCaller caller_;
  std::unique_ptr<const cb::CasInstance> cas_;  // of stage 4, in place of the caller
  const cb::BreakerKeys keys_;
  std::vector<Waiting> waiting_;

  const cb::NoticeQueue notices_;  // of local_
  cb::LocalBreaker local_;

  uint64_t successes_ = 0;  // not yet reported, of this generation
  uint64_t successes_of_ = 0;
  bool will_report_ = false;
  TimePoint may_report_at_{};

  cb::Feed feed_;
  uint64_t sessions_ = 0;
  uint64_t connection_ = 0;  // on which it listens; 0: none
  uint64_t listens_to_ = 0;  // the server's run
  bool is_connecting_ = false;
  bool is_reconnecting_ = false;
  TimePoint checked_at_{};
  bool awaits_pong_ = false;
  bool will_ask_ = false;  // as a key was written
};

}  // namespace simulation
