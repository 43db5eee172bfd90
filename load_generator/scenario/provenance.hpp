// How a run came about: the settings that it was played with, and when, where and by which command it was played. No
// user's or machine's name and no path is part of it, so that a run's file can be sent to anybody.
// The settings have the names of a scenario's file: {"instances":10,"rate":50,"plan":"healthy 1s, down",
// "failure_threshold":5,"recovery_timeout_ms":10000}.
// Errors: what reads a run's file throws std::invalid_argument that names file and field.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "load_generator/scenario/program_settings.hpp"
#include "load_generator/scenario/scenario.hpp"
#include "load_generator/scenario/strict_json.hpp"

namespace load {

struct RunSettings {
  size_t instances = 0;
  double rate = 0;  // calls per second, over all instances
  std::string plan;
  Settings programs;               // of the breaker and of the instance around it; the rest kept the programs' defaults
  Faults faults = {};              // in the file's field `faults`, not in `settings`
  std::string override_mode = {};  // of all breakers, from the start; empty: none
};

RunSettings run_settings(const Scenario& scenario, const Variant& variant);
nlohmann::ordered_json to_json(const RunSettings& settings);

enum class World { real, simulated };

struct Played {
  World world = World::real;
  std::string at;       // 2026-11-27T00:00:00Z; empty if it does not matter, as in virtual time
  std::string machine;  // 2 cores, Linux 6.1 x86_64; likewise
  std::string command;  // repeats the run; empty: no command does
  std::string version;  // of the lab
};

Played played_now(World world, std::string command);

// As played_now(), without what differs between two machines: the same seed gives the same file.
Played played_in_virtual_time(std::string command);

nlohmann::ordered_json to_json(const Played& played);

// The fields `settings` and `played` of a run's file, checked.
nlohmann::ordered_json settings_in(StrictObject& file);
nlohmann::ordered_json played_in(StrictObject& file);

}  // namespace load
