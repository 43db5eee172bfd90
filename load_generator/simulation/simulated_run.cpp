#include "load_generator/simulation/simulated_run.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "load_generator/load/schedule.hpp"
#include "load_generator/simulation/fleet/simulated_fleet.hpp"
#include "load_generator/simulation/scenario_policy.hpp"

namespace simulation {
namespace {

using namespace std::chrono_literals;
using load::CallStatus;
using load::RedisFault;

constexpr TimePoint load_starts{std::chrono::seconds(1'700'000'000)};
constexpr auto shortest_warm_up = 1s;  // in which instances start, one after the other
constexpr auto warm_up_per_instance = 100us;
constexpr auto sentinels_need = 1s;  // to agree that a master is gone, and to promote its replica
constexpr auto planned_failover_takes = 100ms;
constexpr auto between_polls = 100ms;
constexpr auto between_close_polls = 10ms;
constexpr auto status_takes = 1ms;

microseconds warm_up(size_t instances) {
  return std::max<microseconds>(shortest_warm_up, warm_up_per_instance * instances);
}

FleetSettings settings_of(const load::Scenario& scenario, const load::Variant& variant, uint64_t seed) {
  FleetSettings settings{.instances = scenario.instances,
                         .stage = variant.stage,
                         .policy = policy_of(scenario, variant),
                         .call_policy = call_policy_of(scenario, variant),
                         .call_timeout = scenario.call_timeout,
                         .plan = scenario.plan,
                         .start = load_starts - warm_up(scenario.instances),
                         .plan_starts = load_starts,
                         .seed = seed};
  if (scenario.redis_timeout) settings.redis_timeout = *scenario.redis_timeout;
  return settings;
}

class ScenarioRun final : private FleetFollower {
 public:
  ScenarioRun(const load::Scenario& scenario, const load::Variant& variant, uint64_t seed);
  Simulated play();

 private:
  void start_instances();
  void begin_load();
  void send_due();
  void inject(RedisFault fault);
  Task poll(Node instance);
  void kill_prober(Node instance);
  void noticed(Node instance, cb::NoticeKind kind, const cb::Transition& what) override;
  void call_ended(const load::Call& call) override;
  load::Ledger ledger();
  void complete();

  load::Offset offset() { return fleet_.now() - load_starts; }
  bool is_large() const { return fleet_.size() > most_polled_instances; }
  bool is_too_much_to_list() const { return is_large() || static_cast<double>(calls_.size()) > load::most_calls; }

  const load::Scenario& scenario_;
  const load::Variant& variant_;
  load::Run run_;
  SimulatedFleet fleet_;
  const std::vector<load::PlannedCall> calls_;
  size_t next_call_ = 0;
  bool seeks_prober_ = false;
  bool polls_closely_ = false;
  uint64_t scripts_before_ = 0;
};

ScenarioRun::ScenarioRun(const load::Scenario& scenario, const load::Variant& variant, uint64_t seed)
    : scenario_(scenario),
      variant_(variant),
      fleet_(settings_of(scenario, variant, seed), *this),
      calls_(load::plan_calls(scenario.load, scenario.instances, load::most_simulated_calls)) {
  run_.samples.resize(fleet_.size());
  run_.would_have_tripped.resize(fleet_.size());
  if (variant.stage != load::Stage::simple)
    std::fill(run_.would_have_tripped.begin(), run_.would_have_tripped.end(), 0);
  for (size_t i = 0; i < fleet_.size(); ++i) {
    run_.targets.push_back({variant.stage == load::Stage::simple ? "simple_breaker" : load::instance_name(i), ""});
  }
}

Simulated ScenarioRun::play() {
  EventLoop& loop = fleet_.loop();
  start_instances();
  loop.at(load_starts, [this] { begin_load(); });
  if (const auto from = variant_.faults.kill_prober_after)
    loop.at(load_starts + *from, [this] { seeks_prober_ = polls_closely_ = true; });
  for (const load::PlannedRedisFault& fault : variant_.faults.redis) {
    if (fleet_.is_shared()) loop.at(load_starts + fault.at, [this, what = fault.what] { inject(what); });
  }
  loop.run_until(load_starts + scenario_.load.duration);
  while (fleet_.calls_in_flight() > 0) loop.run_until(loop.now() + between_polls);
  loop.run_until(loop.now() + between_polls);  // the last polls
  complete();
  const auto took = loop.now() - fleet_.settings().start;
  return {std::move(run_), loop.events(), std::chrono::duration<double>(took).count(), fleet_.redis().commands()};
}

// All have learned the state when the load begins.
void ScenarioRun::start_instances() {
  if (const auto instance = variant_.faults.cut_off) fleet_.network().cut(static_cast<Node>(*instance), upstream_node);
  for (Node instance = 0; instance < fleet_.size(); ++instance) {
    fleet_.start(instance, fleet_.random().between(0us, warm_up(fleet_.size()) / 2));
  }
}

void ScenarioRun::begin_load() {
  scripts_before_ = fleet_.redis().scripts_run();
  for (Node instance = 0; instance < fleet_.size(); ++instance) {
    if (const auto& order = variant_.manual_override)
      fleet_.apply_override(instance, {*cb::mode_from(order->mode), order->actor, order->reason}, 0ms);
    if (!is_large()) poll(instance);
  }
  send_due();
}

void ScenarioRun::send_due() {
  for (; next_call_ < calls_.size() && calls_[next_call_].due <= offset(); ++next_call_) {
    fleet_.send(calls_[next_call_].target, calls_[next_call_].due);
  }
  if (next_call_ < calls_.size()) fleet_.loop().at(load_starts + calls_[next_call_].due, [this] { send_due(); });
}

void ScenarioRun::inject(RedisFault fault) {
  RedisService& redis = fleet_.redis();
  if (fault == RedisFault::kill || fault == RedisFault::kill_master) redis.crash();
  if (fault == RedisFault::restart) redis.restart(false);
  if (fault == RedisFault::stop) redis.pause();
  if (fault == RedisFault::resume) redis.resume();
  if (fault == RedisFault::flush) redis.execute({"FLUSHALL"});
  if (fault == RedisFault::kill_master) redis.fail_over(sentinels_need, false);
  if (fault == RedisFault::fail_over) redis.fail_over(planned_failover_takes, true);
}

// GET /status, as the engine asks for it.
Task ScenarioRun::poll(Node instance) {
  EventLoop& loop = fleet_.loop();
  co_await loop.sleep(fleet_.random().between(0ms, between_polls));
  while (true) {
    if (fleet_.is_up(instance)) {
      fleet_.ask_status(instance);
      co_await loop.sleep(status_takes);
      run_.samples[instance].push_back({offset(), fleet_.state(instance), fleet_.is_local(instance)});
      kill_prober(instance);
    } else {
      run_.samples[instance].push_back({offset(), load::State::unknown});
    }
    co_await loop.sleep(polls_closely_ ? between_close_polls : between_polls);
  }
}

void ScenarioRun::kill_prober(Node instance) {
  if (!seeks_prober_ || fleet_.probes_in_flight(instance) == 0) return;
  seeks_prober_ = false;
  fleet_.kill(instance);
}

void ScenarioRun::noticed(Node instance, cb::NoticeKind kind, const cb::Transition& what) {
  auto& would_have_tripped = run_.would_have_tripped[instance];  // stage 1 does not report it
  if (kind == cb::NoticeKind::would_have_tripped && would_have_tripped) ++*would_have_tripped;
  if (kind != cb::NoticeKind::transition && kind != cb::NoticeKind::override) return;
  if (what.at < load_starts) return;
  run_.transitions.push_back({instance, what.generation, static_cast<load::State>(what.from),
                              static_cast<load::State>(what.to), what.cause, what.at - load_starts,
                              what.cause.starts_with("local: ")});
}

void ScenarioRun::call_ended(const load::Call& call) {
  const bool changed_nothing = call.status == CallStatus::blocked || call.status == CallStatus::success;
  if (is_too_much_to_list() && changed_nothing && !call.probe && !call.late) {
    ++run_.unlisted[static_cast<size_t>(call.status)];
  } else {
    run_.calls.push_back(call);
  }
}

// When the last fault was over.
std::optional<load::Offset> redis_back_at(const std::vector<load::PlannedRedisFault>& faults) {
  std::optional<load::Offset> at;
  for (const load::PlannedRedisFault& fault : faults) {
    if (fault.what == RedisFault::restart || fault.what == RedisFault::resume) at = fault.at;
    if (fault.what == RedisFault::kill || fault.what == RedisFault::stop) at.reset();
  }
  return at;
}

load::Ledger ScenarioRun::ledger() {
  load::Ledger ledger;
  for (size_t i = 0; i < fleet_.size(); ++i) {
    const Upstream::Received& received = fleet_.upstream().ledger()[i];
    if (received.total() > 0)
      ledger[run_.targets[i].name] = {received.total(), received.success, received.failure, received.hang,
                                      received.drop};
  }
  return ledger;
}

void ScenarioRun::complete() {
  std::stable_sort(run_.calls.begin(), run_.calls.end(),
                   [](const load::Call& a, const load::Call& b) { return a.intended < b.intended; });
  run_.target_rate = scenario_.load.rate;
  run_.shared_breaker = fleet_.is_shared();
  run_.last_send = calls_.empty() ? load::Offset(0) : calls_.back().due;
  run_.length = run_.last_send;
  for (const load::Call& call : run_.calls) run_.length = std::max(run_.length, call.intended + call.latency);
  run_.cut_off = variant_.faults.cut_off;
  run_.recovery_timeout = load::duration_in(variant_.breaker, "recovery_timeout").value_or(0ms);
  run_.ledger = ledger();
  if (!fleet_.is_shared()) return;
  run_.redis_back_at = redis_back_at(variant_.faults.redis);
  run_.redis_scripts = fleet_.redis().scripts_run() - scripts_before_;
}

}  // namespace

Simulated simulate(const load::Scenario& scenario, const load::Variant& variant, uint64_t seed) {
  return ScenarioRun(scenario, variant, seed).play();
}

}  // namespace simulation
