#include "load_generator/simulation/fleet/simulated_fleet.hpp"

#include <algorithm>
#include <utility>

#include "load_generator/simulation/fleet/naive_instance.hpp"
#include "load_generator/simulation/fleet/quorum_instance.hpp"

namespace simulation {

using namespace std::chrono_literals;
using load::CallStatus;
using load::Stage;

SimulatedFleet::SimulatedFleet(const FleetSettings& settings, FleetFollower& follower)
    : settings_(settings),
      follower_(follower),
      backoff_(settings.call_policy),
      loop_(settings.start),
      random_(settings.seed),
      network_({}, random_.next()),
      redis_(loop_, network_, random_.next()),
      upstream_(settings.plan, random_.next(), settings.plan_starts, settings.instances),
      fleet_{loop_,
             network_,
             redis_,
             std::make_shared<cb::BreakerConfig>(settings.policy, cb::Listener{}, [this] { return loop_.now(); }),
             std::make_shared<cb::Script>(cb::breaker_script_source()),
             settings.redis_timeout,
             follower,
             quiet_,
             settings.stage == Stage::store} {
  const cb::Listener listener = [this](const cb::Notice& notice) {
    follower_.noticed(reporting_, notice.kind, transition_of(notice).value_or(cb::Transition{}));
  };
  memory_config_ = std::make_shared<cb::BreakerConfig>(settings.policy, listener, [this] { return loop_.now(); });
  processes_.resize(settings.instances);
}

void SimulatedFleet::start(Node instance, microseconds wait) {
  processes_[instance] = make_process(instance);
  const auto shared = processes_[instance]->shared;
  if (shared) loop_.after(wait, [shared] { shared->start(); });
}

std::shared_ptr<SimulatedFleet::Process> SimulatedFleet::make_process(Node instance) {
  auto process = std::make_shared<Process>(settings_.call_policy, random_.next());
  if (!is_shared()) {
    process->breaker = std::make_shared<MemoryBreaker>(memory_config_, loop_);
  } else if (settings_.stage == Stage::naive) {
    process->breaker = std::make_shared<NaiveInstance>(fleet_, instance);
  } else {
    process->shared = std::make_shared<SharedInstance>(fleet_, instance, random_.next());
    process->breaker = process->shared;
    if (settings_.policy.minimum_reporting_instances > 1)
      process->breaker = std::make_shared<QuorumInstance>(process->shared, memory_config_, loop_);
  }
  return process;
}

void SimulatedFleet::kill(Node instance) {
  processes_[instance]->is_up = false;
  processes_[instance]->breaker->stop();
}

void SimulatedFleet::stall(Node instance, microseconds length) {
  processes_[instance]->stalled_until = now() + length;
  if (processes_[instance]->shared) processes_[instance]->shared->stall(now() + length);
}

void SimulatedFleet::apply_override(Node instance, const cb::Override& order, milliseconds lasts) {
  reporting_ = instance;
  processes_[instance]->breaker->apply_override(order, lasts);
}

void SimulatedFleet::ask_status(Node instance) {
  reporting_ = instance;
  processes_[instance]->breaker->status_asked();
}

load::State SimulatedFleet::state(Node instance) const {
  return static_cast<load::State>(processes_[instance]->breaker->state());
}

bool SimulatedFleet::is_bulkhead_full(const Process& process) const {
  const int limit = settings_.call_policy.max_concurrent_calls;
  return limit > 0 && process.calls_in_flight >= limit;
}

// One call of a client: through the instance and its breaker to the upstream and back, with the instance's retries.
Task SimulatedFleet::call(size_t target, load::Offset due) {
  const auto instance = static_cast<Node>(target);
  const std::shared_ptr<Process> process = processes_[instance];
  load::Call record{.target = target, .intended = due, .may_have_arrived = process->is_up};
  const TimePoint sent = now();
  ++calls_in_flight_;
  for (int attempts = 1; process->is_up; ++attempts) {
    if (now() < process->stalled_until) co_await loop_.sleep_until(process->stalled_until);
    record.refused_by_bulkhead = is_bulkhead_full(*process);
    if (record.refused_by_bulkhead) break;
    reporting_ = instance;
    const TimePoint asked = now();
    Answer<Admission> answer(loop_);
    process->breaker->acquire(answer);
    Admission admission = co_await answer.given();
    follower_.waited(instance, now() - asked);
    auto* const granted = std::get_if<Granted>(&admission);
    if (granted == nullptr || !process->is_up) break;
    const bool is_probe = granted->id.probe != 0;
    record.generation = granted->id.generation;
    record.probe = record.probe || is_probe;
    ++process->calls_in_flight;
    process->probes_in_flight += is_probe ? 1 : 0;
    if (attempts == 1) process->budget.deposit();
    follower_.admitted(instance, *granted);

    CallStatus status = CallStatus::exception;
    if (!network_.is_cut(instance, upstream_node)) {
      const TimePoint deadline = now() + settings_.call_timeout;
      ++record.upstream_calls;
      co_await loop_.sleep(network_.http_delay());
      const Upstream::Response response = upstream_.receive(instance, now());
      const bool hangs = response.fate == unreliable::Fate::hang;
      const TimePoint back = hangs ? deadline : now() + response.latency + network_.http_delay();
      co_await loop_.sleep_until(std::max(std::min(back, deadline), process->stalled_until));
      if (back < deadline && response.fate == unreliable::Fate::success) status = CallStatus::success;
      if (back < deadline && response.fate == unreliable::Fate::failure) status = CallStatus::failure;
    }
    --process->calls_in_flight;
    process->probes_in_flight -= is_probe ? 1 : 0;
    if (!process->is_up) break;
    reporting_ = instance;
    Answer<cb::Settled> settled(loop_);
    const auto outcome = status == CallStatus::success ? cb::Outcome::success : cb::Outcome::failure;
    const uint64_t known = process->shared ? process->shared->core().view().generation : 0;
    process->breaker->settle(*granted, outcome, settled);
    const TimePoint ended = now();
    const cb::Settled what = co_await settled.given();
    follower_.waited(instance, now() - ended);
    record.late = what.late;
    if (process->is_up) follower_.settled(instance, *granted, outcome, known, what.late);
    const bool may_retry = status != CallStatus::success && attempts < settings_.call_policy.max_attempts;
    if (!may_retry || !process->budget.withdraw()) {
      end(record, *process, sent, status);
      co_return;
    }
    if (!process->random) process->random = std::make_unique<std::mt19937_64>(process->seed);
    co_await loop_.sleep(backoff_.wait_before(attempts, *process->random));
  }
  end(record, *process, sent, CallStatus::blocked);
}

void SimulatedFleet::end(load::Call& record, const Process& process, TimePoint sent, CallStatus status) {
  record.status = status;
  if (!process.is_up) {  // there is no answer
    record = {.target = record.target, .intended = record.intended, .may_have_arrived = record.may_have_arrived};
  }
  record.latency = now() - sent;
  --calls_in_flight_;
  follower_.call_ended(record);
}

void SimulatedFleet::begin_quiet() { quiet_.is_on = true; }

void SimulatedFleet::end_quiet() {
  quiet_.is_on = false;
  for (const EventLoop::Sleeper& each : std::exchange(quiet_.waiting, {})) loop_.wake_at(loop_.now(), each);
}

}  // namespace simulation
