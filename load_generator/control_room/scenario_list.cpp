#include "load_generator/control_room/scenario_list.hpp"

#include <spdlog/spdlog.h>

#include "load_generator/experiment/experiment.hpp"
#include "load_generator/scenario/expectation.hpp"
#include "load_generator/scenario/scenario.hpp"

namespace load {
namespace {

using json = nlohmann::ordered_json;

constexpr size_t most_logged = 100;  // different faults: a file may change all the time

json variant_json(const Variant& variant) {
  json entry{{"name", variant.name}, {"measure", ""}, {"expectations", json::array()}};
  if (!variant.expectations.empty()) entry["measure"] = variant.expectations.front().measure;
  for (const Expectation& expectation : variant.expectations) {
    entry["expectations"].push_back(
        {{"measure", expectation.measure}, {"because", expectation.because}, {"expected", bounds(expectation)}});
  }
  return entry;
}

json scenario_json(const Scenario& scenario) {
  json entry{{"name", scenario.name}, {"question", scenario.question}, {"variants", json::array()}};
  for (const Variant& variant : scenario.variants) entry["variants"].push_back(variant_json(variant));
  return entry;
}

}  // namespace

ScenarioList::ScenarioList() : ScenarioList(scenarios_folder()) {}

json ScenarioList::to_json() {
  json scenarios = json::array();
  for (const std::string& name : scenarios_in(folder_)) {
    try {
      scenarios.push_back(scenario_json(read_scenario(folder_ + "/" + name + ".json")));
    } catch (const std::exception& error) {
      log_once(error.what());
    }
  }
  return scenarios;
}

void ScenarioList::log_once(const std::string& fault) {
  const std::scoped_lock lock(mutex_);
  if (logged_.size() < most_logged && logged_.insert(fault).second) {
    spdlog::warn("left out of the scenarios: {}", fault);
  }
}

}  // namespace load
