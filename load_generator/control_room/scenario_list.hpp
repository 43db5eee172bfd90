// The scenarios of a folder, as the page lists them. Thread-safe.
#pragma once

#include <mutex>
#include <nlohmann/json.hpp>
#include <set>
#include <string>

namespace load {

class ScenarioList {
 public:
  ScenarioList();  // of the shipped ones
  explicit ScenarioList(std::string folder) : folder_(std::move(folder)) {}

  // [{"name","question","variants":[{"name","measure","expectations":[{"measure","because","expected"}]}]}]; `measure`
  // is that of the first expectation. A file that is not valid is left out, and logged once.
  nlohmann::ordered_json to_json();

 private:
  void log_once(const std::string& fault);

  const std::string folder_;
  std::mutex mutex_;
  std::set<std::string> logged_;  // guarded by mutex_
};

}  // namespace load
