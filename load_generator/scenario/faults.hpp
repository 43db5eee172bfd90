// Faults are what a scenario does to its own processes, and when; times are since the start of the load. What is wrong
// with the upstream is its plan's affair.
// Errors: read_faults() throws std::invalid_argument naming file and field.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>
#include <vector>

#include "load_generator/scenario/strict_json.hpp"

namespace load {

// What happens to the private Redis: kill -9, a new and empty one on the same port (also where the old one still runs),
// SIGSTOP, SIGCONT, FLUSHALL. The last two make it a master and a replica that Sentinels watch: kill -9 for the
// master, and a planned failover.
enum class RedisFault { kill, restart, stop, resume, flush, kill_master, fail_over };
std::string_view to_text(RedisFault fault);  // for people: "killed"

struct PlannedRedisFault {
  std::chrono::milliseconds at{0};
  RedisFault what = RedisFault::kill;
};

struct Faults {
  std::optional<size_t> cut_off;                               // index of the instance that cannot reach the upstream
  std::optional<std::chrono::milliseconds> kill_prober_after;  // from then on: kill -9 whoever holds a probe
  std::vector<PlannedRedisFault> redis;                        // in order of time; of no effect without a Redis
};

// A failover is the only fault of Redis in its list.
bool need_sentinels(const std::vector<PlannedRedisFault>& faults);

// The field `faults`, a list.
Faults read_faults(StrictObject& document, size_t instances);

}  // namespace load
