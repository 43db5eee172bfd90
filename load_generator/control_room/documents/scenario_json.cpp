#include "load_generator/control_room/documents/scenario_json.hpp"

#include "load_generator/report/run_file.hpp"

namespace load {
namespace {

using json = nlohmann::ordered_json;

json settings_json(const Settings& settings) {
  json entries = json::object();
  for (const auto& [name, value] : settings) entries[name] = value;
  return entries;
}

json expectations_json(const Variant& variant) {
  json entries = json::array();
  for (const Expectation& expectation : variant.expectations) {
    json entry = to_json(expectation);
    entry["expected"] = bounds(expectation);
    entries.push_back(std::move(entry));
  }
  return entries;
}

json variant_json(const Scenario& scenario, const Variant& variant) {
  const bool is_measured = !variant.expectations.empty();
  return {{"name", variant.name},
          {"stage", to_text(variant.stage)},
          {"run", run_name({scenario.name, variant.name, "", {}, {}})},
          {"measure", is_measured ? variant.expectations.front().measure : ""},
          {"expectations", expectations_json(variant)},
          {"breaker", settings_json(variant.breaker)},
          {"instance", settings_json(variant.instance)},
          {"override", variant.manual_override ? variant.manual_override->mode : ""},
          {"faults", to_json(effective_faults(variant))}};
}

}  // namespace

json scenario_json(const Scenario& scenario) {
  json entry{{"name", scenario.name},
             {"question", scenario.question},
             {"instances", scenario.instances},
             {"rate", scenario.load.rate},
             {"duration_ms", scenario.load.duration.count()},
             {"plan", scenario.plan},
             {"call_timeout_ms", scenario.call_timeout.count()},
             {"burst", scenario.load.burst}};
  if (scenario.load.arrivals == Arrivals::poisson) entry["arrivals"] = "poisson";
  if (scenario.load.spread == Spread::random) entry["spread"] = "random";
  if (scenario.redis_timeout) entry["redis_timeout_ms"] = scenario.redis_timeout->count();
  entry["variants"] = json::array();
  for (const Variant& variant : scenario.variants) entry["variants"].push_back(variant_json(scenario, variant));
  return entry;
}

}  // namespace load
