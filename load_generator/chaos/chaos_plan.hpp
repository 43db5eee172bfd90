// A chaos plan lists, before the run starts, the faults of the upstream, of Redis and of the instances, with their
// times. Pure: the same settings give the same plan on every machine. Invariants: all faults are over when `duration`
// is; Redis has one fault at a time, while instances are killed at any time.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace load {

struct ChaosSettings {
  std::chrono::milliseconds duration{180'000};  // of the faults; 10 s to 1 h
  uint64_t seed = 1;
  size_t instances = 3;
  double rate = 100;                     // calls per second
  std::chrono::milliseconds slack{100};  // added to every deadline, for a busy machine
  bool sentinel = false;                 // Redis is a master and a replica, watched by Sentinels
};

// The settings of the breaker and the instances. Short times, so that much happens.
struct ChaosBreaker {
  int failure_threshold = 3;
  int permitted_calls_in_half_open = 1;
  std::chrono::milliseconds recovery_timeout{500};
  std::chrono::milliseconds probe_timeout{1500};
  std::chrono::milliseconds call_timeout{500};
  std::chrono::milliseconds longest_wait_for_redis{500};  // of one call, on a machine where Redis has answered slowly
};

// The last three need a Redis that Sentinels watch; kill_redis to continue_redis need one without.
enum class ChaosFault {
  kill_redis,
  restart_redis,
  stop_redis,
  continue_redis,
  flush_keys,
  flush_scripts,
  cut_pushes,   // closes the connections on which Redis pushes changes
  fill_memory,  // by another client, so that Redis evicts the breaker's keys
  free_memory,
  kill_instance,
  kill_master,
  fail_over,     // as planned
  follow_master  // the old master, restarted if it was killed, becomes a replica
};
std::string_view to_text(ChaosFault fault);  // "redis: killed"

struct PlannedChaosFault {
  std::chrono::milliseconds at{0};
  ChaosFault what = ChaosFault::kill_redis;
  size_t target = 0;                      // of kill_instance, if no instance holds a probe
  std::chrono::milliseconds down_for{0};  // of kill_instance
};

// One state of the upstream, in the syntax of its fault plans: "flaky 0.7".
struct UpstreamPhase {
  std::chrono::milliseconds at{0};
  std::string fault;
};

struct ChaosPlan {
  std::vector<UpstreamPhase> upstream;    // in order of time; the last one is "healthy", from `duration` on
  std::vector<PlannedChaosFault> faults;  // in order of time
};

// Throws std::invalid_argument that names an invalid setting.
ChaosPlan plan_chaos(const ChaosSettings& settings);

// For how long a kill waits for an instance that holds a probe, before it takes the planned one.
constexpr std::chrono::milliseconds time_to_find_a_prober{1000};

// As PUT /fault accepts it.
std::string fault_plan(const std::vector<UpstreamPhase>& phases);

}  // namespace load
