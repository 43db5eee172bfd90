// Faults are what a scenario does to its processes, and when; times are since the start of the load, and before its
// end. The upstream's faults are in its plan.
// Errors: what reads faults throws std::invalid_argument that names file and field.
#pragma once

#include <chrono>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "load_generator/scenario/strict_json.hpp"

namespace load {

// What happens to the private Redis: kill -9; a new, empty one on the same port (even if the old one still runs);
// SIGSTOP; SIGCONT; FLUSHALL. The last two make it a master and a replica that Sentinels watch: kill -9 of the master,
// and a planned failover.
enum class RedisFault { kill, restart, stop, resume, flush, kill_master, fail_over };
std::string_view to_text(RedisFault fault);  // "killed"

struct PlannedRedisFault {
  std::chrono::milliseconds at{0};
  RedisFault what = RedisFault::kill;
};

struct Faults {
  std::optional<size_t> cut_off;                               // index of the instance that cannot reach the upstream
  std::optional<std::chrono::milliseconds> kill_prober_after;  // kill -9 the first instance seen probing after it
  std::vector<PlannedRedisFault> redis;                        // in order of time; no effect without a Redis
};

// Whether one of them is a failover, which is then the only one.
bool need_sentinels(const std::vector<PlannedRedisFault>& faults);

// What a scenario's faults must be within.
struct FaultLimits {
  size_t instances = 0;                   // Instance-A, Instance-B, ...
  std::chrono::milliseconds duration{0};  // of the load
};

// The field `faults`, a list.
Faults read_faults(StrictObject& document, const FaultLimits& limits);

// For pages and for a run's file, in words: [{"cut_off":"Instance-B"},{"kill_prober_after_ms":5000},
// {"at_ms":4000,"redis":"killed"}]; and a run's field `faults` of this form, checked.
nlohmann::ordered_json to_json(const Faults& faults);
nlohmann::ordered_json faults_in(StrictObject& file);

}  // namespace load
