// A Scenario is an experiment as a file: the question, the load, the upstream's fault plan, and the variants (stages,
// their settings and process faults) that it is played against. Each variant gets the same load and plan.
// Errors: read_scenario() throws std::invalid_argument naming file and field.
#pragma once

#include <string>
#include <vector>

#include "load_generator/load/schedule.hpp"
#include "load_generator/scenario/variant.hpp"

namespace load {

struct Scenario {
  std::string file;  // its path
  std::string name;
  std::string question;
  size_t instances = 3;  // Instance-A, Instance-B, ...
  std::string plan;      // starts with the load
  int64_t upstream_seed = 1;
  LoadSettings load;
  std::chrono::milliseconds call_timeout{1000};
  std::optional<std::chrono::milliseconds> redis_timeout;  // of instances with a Redis; nothing: their default
  std::vector<Variant> variants;                           // in the file's order
};

const Variant* find_variant(const Scenario& scenario, const std::string& name);  // nullptr: none has that name
std::string variant_names(const Scenario& scenario);                             // "distributed, redis"

// Throws std::invalid_argument that quotes `name`, lists the others after `choices`, and suggests the nearest.
const Variant& require_variant(const Scenario& scenario, const std::string& name, const std::string& choices);

// "outage.json, redis": the source of the settings, for error messages.
std::string settings_source(const Scenario& scenario, const Variant& variant);

Scenario read_scenario(const std::string& path);

}  // namespace load
