// A Scenario is an experiment as a file: the question, the load, the upstream's fault plan, the breaker's settings,
// faults of processes, and what each stage is expected to do. The same file is replayed against every stage.
// Errors: read_scenario() throws std::invalid_argument naming file and field.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "load_generator/expectation.hpp"
#include "load_generator/schedule.hpp"

namespace load {

// naive: stage 3 with the textbook's store, which is there to fail.
enum class Stage { simple, distributed, redis, naive };
std::string_view to_text(Stage stage);
const std::vector<std::string>& stage_names();
Stage stage_from(const std::string& name);  // one of stage_names()

// Settings of the breaker; those that a file leaves out keep the instance's own default.
struct BreakerSettings {
  int64_t failure_threshold = 3;
  std::chrono::milliseconds recovery_timeout{10'000};
  std::optional<int64_t> permitted_calls_in_half_open;
  std::optional<int64_t> success_threshold;
  std::optional<std::chrono::milliseconds> probe_timeout;
};

struct Scenario {
  std::string name;
  std::string question;
  size_t instances = 3;  // Instance-A, Instance-B, ...
  std::string plan;      // put into force when the load starts
  int64_t upstream_seed = 1;
  LoadSettings load;
  BreakerSettings breaker;
  std::chrono::milliseconds call_timeout{1000};
  std::optional<size_t> cut_off;                               // index of the instance that cannot reach the upstream
  std::optional<std::chrono::milliseconds> kill_prober_after;  // from then on: kill -9 whoever holds a probe
  std::map<Stage, std::vector<Expectation>> expect;            // the stages that it may be run against
};

std::string instance_name(size_t index);  // Instance-A for 0

Scenario read_scenario(const std::string& path);

}  // namespace load
