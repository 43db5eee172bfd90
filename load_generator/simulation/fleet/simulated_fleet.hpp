// A SimulatedFleet is instances of one design, their Redis and their upstream, on one event loop. Its owner sends calls
// and does harm; a follower is notified of what comes of it. The same seed gives the same events.
// Not thread-safe. The constructor throws std::invalid_argument for a plan that makes no sense.
#pragma once

#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "distributed_breaker/resilience/retry.hpp"
#include "load_generator/record/run_record.hpp"
#include "load_generator/scenario/variant.hpp"
#include "load_generator/simulation/fleet/shared_instance.hpp"
#include "load_generator/simulation/fleet/simulated_breaker.hpp"
#include "load_generator/simulation/upstream.hpp"

namespace simulation {

struct FleetSettings {
  size_t instances = 3;
  load::Stage stage = load::Stage::redis;
  cb::Policy policy{};
  cb::CallPolicy call_policy{};
  milliseconds call_timeout{1000};
  milliseconds redis_timeout{50};
  std::string plan = "healthy";  // of the upstream, from `plan_starts`
  TimePoint start{std::chrono::seconds(1'700'000'000)};
  TimePoint plan_starts = start;
  uint64_t seed = 1;
};

// `what` and `call` belong to the fleet: copy what is needed later.
class FleetFollower : public FleetObserver {
 public:
  virtual void call_ended(const load::Call& call) = 0;
  virtual void admitted(Node /*instance*/, const Granted& /*granted*/) {}
  // `known`: the generation that the instance knew when the call ended.
  virtual void settled(Node /*instance*/, const Granted& /*granted*/, cb::Outcome /*outcome*/, uint64_t /*known*/,
                       bool /*is_late*/) {}
  virtual void waited(Node /*instance*/, microseconds /*time*/) {}  // a call, for the breaker
};

class SimulatedFleet {
 public:
  SimulatedFleet(const FleetSettings& settings, FleetFollower& follower);
  ~SimulatedFleet() { loop_.clear(); }
  SimulatedFleet(const SimulatedFleet&) = delete;
  SimulatedFleet& operator=(const SimulatedFleet&) = delete;

  EventLoop& loop() { return loop_; }
  Random& random() { return random_; }
  Network& network() { return network_; }
  RedisService& redis() { return redis_; }
  Upstream& upstream() { return upstream_; }
  const FleetSettings& settings() const { return settings_; }
  TimePoint now() const { return loop_.now(); }

  size_t size() const { return processes_.size(); }
  bool is_shared() const {
    return settings_.stage != load::Stage::simple && settings_.stage != load::Stage::distributed;
  }

  // A process starts, or starts again, after `wait`.
  void start(Node instance, microseconds wait);
  void kill(Node instance);
  void stall(Node instance, microseconds length);
  bool is_up(Node instance) const { return processes_[instance]->is_up; }
  int probes_in_flight(Node instance) const { return processes_[instance]->probes_in_flight; }

  // A client calls the instance, now; `due`, as the call's record has it.
  void send(size_t target, load::Offset due) { call(target, due); }
  size_t calls_in_flight() const { return calls_in_flight_; }

  // A time in which nothing is wrong and no client calls: it passes without an event. All instances must have a fresh
  // view.
  void begin_quiet();
  void end_quiet();

  void apply_override(Node instance, const cb::Override& order, milliseconds lasts);
  void ask_status(Node instance);
  load::State state(Node instance) const;
  bool is_local(Node instance) const { return processes_[instance]->breaker->is_local(); }
  const SharedInstance* shared(Node instance) const { return processes_[instance]->shared.get(); }

 private:
  struct Process {
    Process(const cb::CallPolicy& policy, uint64_t seed) : budget(policy.retry_budget), seed(seed) {}

    std::shared_ptr<SimulatedBreaker> breaker;
    std::shared_ptr<SharedInstance> shared;  // the same, or a part of it; nothing in other designs
    cb::RetryBudget budget;
    const uint64_t seed;                                // of the retries
    std::unique_ptr<std::mt19937_64> random = nullptr;  // from the first retry on: it needs 2.5 KB
    int calls_in_flight = 0;
    int probes_in_flight = 0;
    bool is_up = true;
    TimePoint stalled_until{};
  };

  std::shared_ptr<Process> make_process(Node instance);
  Task call(size_t target, load::Offset due);
  void end(load::Call& record, const Process& process, TimePoint sent, load::CallStatus status);
  bool is_bulkhead_full(const Process& process) const;

  const FleetSettings settings_;
  FleetFollower& follower_;
  const cb::Backoff backoff_;
  EventLoop loop_;
  Random random_;
  Network network_;
  RedisService redis_;
  Upstream upstream_;
  Quiet quiet_;
  const SharedFleet fleet_;
  std::shared_ptr<const cb::BreakerConfig> memory_config_;
  Node reporting_ = 0;  // whose breaker in memory reports a notice
  std::vector<std::shared_ptr<Process>> processes_;
  size_t calls_in_flight_ = 0;
};

}  // namespace simulation
