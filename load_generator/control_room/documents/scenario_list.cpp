#include "load_generator/control_room/documents/scenario_list.hpp"

#include <spdlog/spdlog.h>

#include "load_generator/control_room/documents/chapters.hpp"
#include "load_generator/control_room/documents/scenario_json.hpp"
#include "load_generator/experiment/experiment.hpp"

namespace load {
namespace {

using json = nlohmann::ordered_json;

constexpr size_t most_logged = 100;  // different faults: a file may change all the time

json result_of(const std::string& run, RunsFolder& runs) {
  const std::optional<RunsFolder::Result> result = runs.result(run);
  if (!result) return nullptr;
  return {{"held", result->held}, {"expected", result->expected}};
}

}  // namespace

ScenarioList::ScenarioList() : ScenarioList(scenarios_folder()) {}

json ScenarioList::to_json(RunsFolder& runs) {
  json scenarios = json::array();
  for (const Chapter& chapter : in_chapters(chapters_in(folder_), scenarios_in(folder_))) {
    for (const std::string& name : chapter.scenarios) add(name, chapter.title, scenarios);
  }
  for (json& scenario : scenarios) {
    for (json& variant : scenario["variants"]) variant["played"] = result_of(variant["run"], runs);
  }
  return scenarios;
}

void ScenarioList::add(const std::string& name, const std::string& chapter, json& scenarios) {
  try {
    json entry = scenario_json(read_scenario(folder_ + "/" + name + ".json"));
    entry["chapter"] = chapter;
    scenarios.push_back(std::move(entry));
  } catch (const std::exception& error) {
    log_once(error.what());
  }
}

void ScenarioList::log_once(const std::string& fault) {
  const std::scoped_lock lock(mutex_);
  if (logged_.size() < most_logged && logged_.insert(fault).second) {
    spdlog::warn("left out of the scenarios: {}", fault);
  }
}

}  // namespace load
