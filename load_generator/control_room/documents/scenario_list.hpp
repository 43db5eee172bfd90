// The scenarios of a folder, as the page lists them: in the order in which a learner should play them. Thread-safe.
#pragma once

#include <mutex>
#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "load_generator/control_room/runs_folder.hpp"

namespace load {

class ScenarioList {
 public:
  ScenarioList();  // of the shipped ones
  explicit ScenarioList(std::string folder) : folder_(std::move(folder)) {}

  // A list of what scenario_json() describes. Each scenario also has its "chapter", and each variant "played":
  // {"held":4,"expected":4}, how many expectations of its run held, or null if `runs` has no such run.
  // A file that is not valid is left out, and logged once.
  nlohmann::ordered_json to_json(RunsFolder& runs);

 private:
  void add(const std::string& name, const std::string& chapter, nlohmann::ordered_json& scenarios);
  void log_once(const std::string& fault);

  const std::string folder_;
  std::mutex mutex_;
  std::set<std::string> logged_;  // guarded by mutex_
};

}  // namespace load
