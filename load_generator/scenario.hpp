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
#include "load_generator/settings.hpp"

namespace load {

// naive: stage 3 with the textbook's store, which is there to fail.
enum class Stage { simple, distributed, redis, naive };
std::string_view to_text(Stage stage);
const std::vector<std::string>& stage_names();
Stage stage_from(const std::string& name);  // one of stage_names()

struct Scenario {
  std::string file;  // where it was read
  std::string name;
  std::string question;
  size_t instances = 3;  // Instance-A, Instance-B, ...
  std::string plan;      // put into force when the load starts
  int64_t upstream_seed = 1;
  LoadSettings load;
  Settings breaker;   // for every program; those left out keep the program's own default
  Settings instance;  // for the HTTP instances only
  std::chrono::milliseconds call_timeout{1000};
  std::optional<size_t> cut_off;                               // index of the instance that cannot reach the upstream
  std::optional<std::chrono::milliseconds> kill_prober_after;  // from then on: kill -9 whoever holds a probe
  std::map<Stage, std::vector<Expectation>> expect;            // the stages that it may be run against
};

std::string instance_name(size_t index);  // Instance-A for 0

// "outage.json, redis": for complaints
std::string whose_settings(const Scenario& scenario, Stage stage);

Scenario read_scenario(const std::string& path);

}  // namespace load
