#include "load_generator/simulation/simulated_run.hpp"

#include <algorithm>
#include <functional>
#include <memory>
#include <utility>

#include "distributed_breaker/resilience/retry.hpp"
#include "load_generator/load/schedule.hpp"
#include "load_generator/simulation/naive_instance.hpp"
#include "load_generator/simulation/quorum_instance.hpp"
#include "load_generator/simulation/scenario_policy.hpp"
#include "load_generator/simulation/shared_instance.hpp"
#include "load_generator/simulation/upstream.hpp"

namespace simulation {
namespace {

using namespace std::chrono_literals;
using load::CallStatus;
using load::Stage;

constexpr TimePoint load_starts{std::chrono::seconds(1'700'000'000)};
constexpr auto shortest_warm_up = 1s;  // in which instances start, one after the other
constexpr auto warm_up_per_instance = 200us;
constexpr auto sentinels_need = 3s;  // to agree that a master is gone, and to promote its replica
constexpr auto planned_failover_takes = 100ms;
constexpr auto between_polls = 100ms;
constexpr auto between_close_polls = 10ms;

load::State as_load_state(cb::State state) { return static_cast<load::State>(state); }

// One instance: a process that can be killed.
struct Process {
  Process(const cb::CallPolicy& policy, uint64_t seed) : budget(policy.retry_budget), random(seed) {}

  std::shared_ptr<SimulatedBreaker> breaker;
  cb::RetryBudget budget;
  std::mt19937_64 random;
  int calls_in_flight = 0;
  int probes_in_flight = 0;
  bool is_up = true;
};

class FleetRun final : private FleetObserver {
 public:
  FleetRun(const load::Scenario& scenario, const load::Variant& variant, uint64_t seed);
  ~FleetRun() override { loop_.clear(); }
  FleetRun(const FleetRun&) = delete;
  FleetRun& operator=(const FleetRun&) = delete;

  Simulated play();

 private:
  void start_instance(Node node);
  std::shared_ptr<SimulatedBreaker> make_breaker(Node node);
  void begin_load();
  void plan_faults();
  void inject(load::RedisFault fault);
  void send_next();
  Task call(load::PlannedCall planned);
  Task poll(Node node);
  void kill_prober(Node node);
  void noticed(Node instance, cb::NoticeKind kind, const cb::Transition& what) override;
  void record(load::Call call);
  void complete();

  struct Attempt;
  bool may_retry(Process& process, const Attempt& attempt, int attempts);

  load::Offset offset() const { return loop_.now() - load_starts; }
  bool is_large() const { return processes_.size() > most_polled_instances; }
  bool is_shared() const { return variant_.stage == Stage::redis || variant_.stage == Stage::naive; }

  const load::Scenario& scenario_;
  const load::Variant& variant_;
  const cb::CallPolicy call_policy_;
  const cb::Backoff backoff_;
  const microseconds warm_up_;
  EventLoop loop_{load_starts - warm_up_};
  Random random_;
  Network network_;
  RedisService redis_;
  Upstream upstream_;
  SharedFleet fleet_;
  std::shared_ptr<const cb::BreakerConfig> memory_config_;
  Node in_call_ = 0;  // whose breaker of stage 2 reports a notice
  std::vector<std::shared_ptr<Process>> processes_;
  std::vector<load::PlannedCall> calls_;
  size_t next_call_ = 0;
  size_t calls_in_flight_ = 0;
  bool seeks_prober_ = false;
  uint64_t scripts_before_ = 0;
  load::Run run_;
};

FleetRun::FleetRun(const load::Scenario& scenario, const load::Variant& variant, uint64_t seed)
    : scenario_(scenario),
      variant_(variant),
      call_policy_(call_policy_of(scenario, variant)),
      backoff_(call_policy_),
      warm_up_(std::max<microseconds>(shortest_warm_up, 2 * warm_up_per_instance * scenario.instances)),
      random_(seed),
      network_({}, random_.next()),
      redis_(loop_, network_, random_.next()),
      upstream_(scenario.plan, random_.next(), load_starts, scenario.instances),
      fleet_{loop_,
             network_,
             redis_,
             std::make_shared<cb::BreakerConfig>(policy_of(scenario, variant), cb::Listener{},
                                                 [this] { return loop_.now(); }),
             std::make_shared<cb::Script>(cb::breaker_script_source()),
             scenario.redis_timeout.value_or(50ms),
             *this} {
  const cb::Listener listener = [this](const cb::Notice& notice) {
    noticed(in_call_, notice.kind, transition_of(notice).value_or(cb::Transition{}));
  };
  memory_config_ = std::make_shared<cb::BreakerConfig>(fleet_.config->policy, listener, [this] { return loop_.now(); });
  run_.samples.resize(scenario.instances);
  run_.would_have_tripped.resize(scenario.instances, 0);
  for (Node node = 0; node < scenario.instances; ++node) {
    run_.targets.push_back({variant.stage == Stage::simple ? "simple_breaker" : load::instance_name(node), ""});
    start_instance(node);
  }
}

void FleetRun::start_instance(Node node) {
  processes_.push_back(std::make_shared<Process>(call_policy_, random_.next()));
  processes_.back()->breaker = make_breaker(node);
}

std::shared_ptr<SimulatedBreaker> FleetRun::make_breaker(Node node) {
  if (!is_shared()) return std::make_shared<MemoryBreaker>(memory_config_, loop_);
  if (variant_.stage == Stage::naive) return std::make_shared<NaiveInstance>(fleet_, node);
  auto shared = std::make_shared<SharedInstance>(fleet_, node, random_.next());
  loop_.at(load_starts - 500ms - random_.between(0ms, warm_up_ / 2), [shared] { shared->start(); });
  if (fleet_.config->policy.minimum_reporting_instances < 2) return shared;
  return std::make_shared<QuorumInstance>(shared, memory_config_, loop_);
}

Simulated FleetRun::play() {
  calls_ = load::plan_calls(scenario_.load, processes_.size(), load::most_simulated_calls);
  loop_.at(load_starts, [this] { begin_load(); });
  plan_faults();
  loop_.run_until(load_starts + scenario_.load.duration);
  while (calls_in_flight_ > 0) loop_.run_until(loop_.now() + between_polls);
  loop_.run_until(loop_.now() + between_polls);  // the last polls
  complete();
  return {std::move(run_), loop_.events(), std::chrono::duration<double>(warm_up_ + offset()).count()};
}

void FleetRun::begin_load() {
  scripts_before_ = redis_.scripts_run();
  if (const auto& order = variant_.manual_override) {
    for (Node node = 0; node < processes_.size(); ++node) {
      in_call_ = node;
      processes_[node]->breaker->apply_override({*cb::mode_from(order->mode), order->actor, order->reason}, 0ms);
    }
  }
  for (Node node = 0; node < processes_.size() && !is_large(); ++node) poll(node);
  send_next();
}

void FleetRun::plan_faults() {
  if (const auto from = variant_.faults.kill_prober_after)
    loop_.at(load_starts + *from, [this] { seeks_prober_ = true; });
  if (!is_shared()) return;
  for (const load::PlannedRedisFault& fault : variant_.faults.redis) {
    loop_.at(load_starts + fault.at, [this, what = fault.what] { inject(what); });
  }
}

void FleetRun::inject(load::RedisFault fault) {
  using load::RedisFault;
  if (fault == RedisFault::kill) redis_.crash();
  if (fault == RedisFault::restart) redis_.restart(false);
  if (fault == RedisFault::stop) redis_.pause();
  if (fault == RedisFault::resume) redis_.resume();
  if (fault == RedisFault::flush) redis_.execute({"FLUSHALL"});
  if (fault == RedisFault::fail_over) redis_.fail_over(planned_failover_takes, true);
  if (fault != RedisFault::kill_master) return;
  redis_.crash();
  redis_.fail_over(sentinels_need, false);
}

void FleetRun::send_next() {
  while (next_call_ < calls_.size() && load_starts + calls_[next_call_].due <= loop_.now()) call(calls_[next_call_++]);
  if (next_call_ < calls_.size()) loop_.at(load_starts + calls_[next_call_].due, [this] { send_next(); });
}

// One call of a client: through the instance and its breaker to the upstream and back, with the instance's retries.
Task FleetRun::call(load::PlannedCall planned) {
  load::Call record{.target = planned.target, .intended = planned.due};
  const auto node = static_cast<Node>(planned.target);
  const std::shared_ptr<Process> process = processes_[node];
  ++calls_in_flight_;
  const auto end = [&](CallStatus status) {
    record.status = status;
    record.latency = offset() - planned.due;
    this->record(record);
    --calls_in_flight_;
  };
  if (!process->is_up) {
    end(CallStatus::unreachable);
    co_return;
  }
  for (int attempts = 1;; ++attempts) {
    const int limit = call_policy_.max_concurrent_calls;
    if (limit > 0 && process->calls_in_flight >= limit) {
      record.refused_by_bulkhead = true;
      end(CallStatus::blocked);
      co_return;
    }
    in_call_ = node;
    Answer<Admission> answer(loop_);
    process->breaker->acquire(answer);
    Admission admission = co_await answer.given();
    if (!process->is_up || std::holds_alternative<cb::Rejection>(admission)) {
      end(process->is_up ? CallStatus::blocked : CallStatus::unreachable);
      co_return;
    }
    auto& granted = std::get<Granted>(admission);
    const bool is_probe = granted.id.probe != 0;
    record.generation = granted.id.generation;
    record.probe = record.probe || is_probe;
    ++process->calls_in_flight;
    process->probes_in_flight += is_probe ? 1 : 0;
    if (attempts == 1) process->budget.deposit();

    const TimePoint started = loop_.now();
    const TimePoint deadline = started + scenario_.call_timeout;
    CallStatus status = CallStatus::exception;
    if (variant_.faults.cut_off != planned.target) {
      ++record.upstream_calls;
      co_await loop_.sleep(network_.delay());
      const Upstream::Response response = upstream_.receive(node, loop_.now());
      const bool is_answered = response.fate == unreliable::Fate::success || response.fate == unreliable::Fate::failure;
      const TimePoint back =
          response.fate == unreliable::Fate::hang ? deadline : loop_.now() + response.latency + network_.delay();
      co_await loop_.sleep_until(std::min(back, deadline));
      if (is_answered && back < deadline)
        status = response.fate == unreliable::Fate::success ? CallStatus::success : CallStatus::failure;
    }
    --process->calls_in_flight;
    process->probes_in_flight -= is_probe ? 1 : 0;
    if (!process->is_up) {
      end(CallStatus::unreachable);
      co_return;
    }
    in_call_ = node;
    Answer<cb::Settled> settled(loop_);
    process->breaker->settle(granted, status == CallStatus::success ? cb::Outcome::success : cb::Outcome::failure,
                             settled);
    const cb::Settled what = co_await settled.given();
    record.late = what.late;
    const bool may_retry =
        status != CallStatus::success && attempts < call_policy_.max_attempts && process->budget.withdraw();
    if (!may_retry) {
      end(process->is_up ? status : CallStatus::unreachable);
      co_return;
    }
    co_await loop_.sleep(backoff_.wait_before(attempts, process->random));
  }
}

Task FleetRun::poll(Node node) {
  const std::shared_ptr<Process> process = processes_[node];
  co_await loop_.sleep(random_.between(0ms, between_polls));
  while (true) {
    co_await loop_.sleep(network_.delay());
    if (!process->is_up) {
      run_.samples[node].push_back({offset(), load::State::unknown});
    } else {
      in_call_ = node;
      process->breaker->status_asked();
      co_await loop_.sleep(1ms);
      run_.samples[node].push_back({offset(), as_load_state(process->breaker->state()), process->breaker->is_local()});
      kill_prober(node);
    }
    co_await loop_.sleep(seeks_prober_ ? between_close_polls : between_polls);
  }
}

void FleetRun::kill_prober(Node node) {
  Process& process = *processes_[node];
  if (!seeks_prober_ || process.probes_in_flight == 0) return;
  seeks_prober_ = false;
  process.is_up = false;
  process.breaker->stop();
}

void FleetRun::noticed(Node instance, cb::NoticeKind kind, const cb::Transition& what) {
  if (kind == cb::NoticeKind::would_have_tripped) ++*run_.would_have_tripped[instance];
  if (kind != cb::NoticeKind::transition && kind != cb::NoticeKind::override) return;
  if (what.at < load_starts) return;
  const bool is_local = what.cause.starts_with("local: ");
  run_.transitions.push_back({instance, what.generation, as_load_state(what.from), as_load_state(what.to), what.cause,
                              what.at - load_starts, is_local});
}

void FleetRun::record(load::Call call) {
  const bool changed_nothing = call.status == CallStatus::blocked || call.status == CallStatus::success;
  if (is_large() && changed_nothing && !call.probe && !call.late) {
    ++run_.unlisted[static_cast<size_t>(call.status)];
    return;
  }
  run_.calls.push_back(std::move(call));
}

std::optional<load::Offset> redis_back_at(const std::vector<load::PlannedRedisFault>& faults) {
  using load::RedisFault;
  std::optional<load::Offset> at;
  for (const load::PlannedRedisFault& fault : faults) {
    if (fault.what == RedisFault::restart || fault.what == RedisFault::resume) at = fault.at;
    if (fault.what == RedisFault::kill || fault.what == RedisFault::stop) at.reset();
  }
  return at;
}

void FleetRun::complete() {
  std::stable_sort(run_.calls.begin(), run_.calls.end(),
                   [](const load::Call& a, const load::Call& b) { return a.intended < b.intended; });
  run_.target_rate = scenario_.load.rate;
  run_.shared_breaker = is_shared();
  run_.last_send = calls_.empty() ? load::Offset(0) : calls_.back().due;
  run_.length = run_.last_send;
  for (const load::Call& call : run_.calls) run_.length = std::max(run_.length, call.intended + call.latency);
  run_.cut_off = variant_.faults.cut_off;
  run_.recovery_timeout = fleet_.config->policy.recovery_timeout;
  load::Ledger ledger;
  for (size_t i = 0; i < upstream_.ledger().size(); ++i) {
    const Upstream::Received& received = upstream_.ledger()[i];
    if (received.total() == 0) continue;
    ledger[run_.targets[i].name] = {received.total(), received.success, received.failure, received.hang, received.drop};
  }
  run_.ledger = std::move(ledger);
  if (!is_shared()) return;
  run_.redis_back_at = redis_back_at(variant_.faults.redis);
  run_.redis_scripts = redis_.scripts_run() - scripts_before_;
}

}  // namespace

Simulated simulate(const load::Scenario& scenario, const load::Variant& variant, uint64_t seed) {
  return FleetRun(scenario, variant, seed).play();
}

}  // namespace simulation
