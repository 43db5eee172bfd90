// A chaos plan says, before the run begins, what will be done to the upstream, to Redis and to the instances, and when.
// Pure: the same settings give the same plan on every machine.
// Invariants: all harm is over when `duration` is; Redis suffers one thing at a time, while instances are killed at
// any.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace load {

struct ChaosSettings {
  std::chrono::milliseconds duration{180'000};  // in which harm is done; 10 s to 1 h
  uint64_t seed = 1;
  size_t instances = 3;
  double rate = 100;                     // calls a second
  std::chrono::milliseconds slack{100};  // what the machine may add to any deadline
  bool sentinel = false;                 // Redis is a master and a replica, watched by Sentinels
};

// The settings of the breaker and of the instances round it. Short times, so that much happens.
struct ChaosBreaker {
  int failure_threshold = 3;
  int permitted_calls_in_half_open = 1;
  std::chrono::milliseconds recovery_timeout{500};
  std::chrono::milliseconds probe_timeout{1500};
  std::chrono::milliseconds call_timeout{500};
};

// The last three are for a Redis that Sentinels watch, and kill_redis to continue_redis for another.
enum class Harm {
  kill_redis,
  restart_redis,
  stop_redis,
  continue_redis,
  flush_keys,
  flush_scripts,
  cut_pushes,  // the connections by which Redis tells instances of changes
  kill_instance,
  kill_master,
  fail_over,     // as planned
  follow_master  // the old master, started again where it was killed, becomes a replica
};
std::string_view to_text(Harm harm);  // for people: "redis: killed"

struct PlannedHarm {
  std::chrono::milliseconds at{0};
  Harm what = Harm::kill_redis;
  size_t target = 0;                      // of kill_instance, where no instance holds a probe
  std::chrono::milliseconds down_for{0};  // of kill_instance
};

// One state of the upstream, in the words of its fault plans: "flaky 0.7".
struct UpstreamPhase {
  std::chrono::milliseconds at{0};
  std::string fault;
};

struct ChaosPlan {
  std::vector<UpstreamPhase> upstream;  // in order of time; the last one is "healthy", from `duration` on
  std::vector<PlannedHarm> harms;       // in order of time
};

// Throws std::invalid_argument naming the setting that makes no sense.
ChaosPlan plan_chaos(const ChaosSettings& settings);

// How long a killer looks out for an instance that holds a probe, before he takes any.
constexpr std::chrono::milliseconds looks_for_a_prober{1000};

// As PUT /fault takes it.
std::string fault_plan(const std::vector<UpstreamPhase>& phases);

}  // namespace load
