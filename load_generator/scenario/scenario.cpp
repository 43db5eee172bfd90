#include "load_generator/scenario/scenario.hpp"

#include <algorithm>
#include <stdexcept>

#include "load_generator/api/instance_api.hpp"
#include "load_generator/record/text.hpp"
#include "program/command_line/nearest.hpp"

namespace load {
namespace {

using std::chrono::milliseconds;

constexpr Between<int64_t> seeds{0, 1'000'000'000};
constexpr Between<int64_t> times_ms{1, 3'600'000};
constexpr int64_t most_instances = 26;  // A to Z

milliseconds time(StrictObject& object, const std::string& field) {
  return milliseconds(object.integer(field, times_ms));
}

LoadSettings read_load(StrictObject entry) {
  LoadSettings load;
  load.rate = entry.number("rate", {0.1, 10'000});
  load.duration = time(entry, "duration_ms");
  if (entry.has("arrivals")) {
    load.arrivals =
        entry.one_of("arrivals", {"uniform", "poisson"}) == "uniform" ? Arrivals::uniform : Arrivals::poisson;
  }
  if (entry.has("spread")) {
    load.spread = entry.one_of("spread", {"round_robin", "random"}) == "random" ? Spread::random : Spread::round_robin;
  }
  if (entry.has("burst")) load.burst = static_cast<int>(entry.integer("burst", {1, 1000}));
  if (entry.has("seed")) load.seed = static_cast<uint64_t>(entry.integer("seed", seeds));
  if (load.rate * static_cast<double>(load.duration.count()) > most_calls * 1000) {
    entry.complain("duration_ms", "shorter: rate x duration may be a million calls");
  }
  entry.done();
  return load;
}

void read_upstream(StrictObject entry, Scenario& scenario) {
  scenario.plan = entry.text("plan", 1000);
  if (entry.has("seed")) scenario.upstream_seed = entry.integer("seed", seeds);
  entry.done();
}

void require_playable_by_stage_simple(const StrictObject& document, const Scenario& scenario) {
  const auto simple = std::find_if(scenario.variants.begin(), scenario.variants.end(),
                                   [](const Variant& variant) { return variant.stage == Stage::simple; });
  if (simple == scenario.variants.end()) return;
  if (simple->manual_override) document.complain("override", "absent: stage simple has no HTTP to put it with");
  const double interval_ms = 1000 / scenario.load.rate;
  if (simple->faults.cut_off || simple->faults.kill_prober_after)
    document.complain("faults", "absent: stage simple is one process");
  if (interval_ms != static_cast<double>(static_cast<int64_t>(interval_ms))) {
    document.complain("load", "at a rate of a whole number of milliseconds per call, for stage simple");
  }
}

}  // namespace

const Variant* find_variant(const Scenario& scenario, const std::string& name) {
  const auto found = std::find_if(scenario.variants.begin(), scenario.variants.end(),
                                  [&](const Variant& variant) { return variant.name == name; });
  return found == scenario.variants.end() ? nullptr : &*found;
}

std::string variant_names(const Scenario& scenario) { return joined(scenario.variants, &Variant::name); }

const Variant& require_variant(const Scenario& scenario, const std::string& name, const std::string& choices) {
  if (const Variant* variant = find_variant(scenario, name)) return *variant;
  std::vector<std::string> known;
  for (const Variant& each : scenario.variants) known.push_back(each.name);
  throw std::invalid_argument("scenario " + scenario.name + " has no expectations for '" + printable(name, 64) + "'; " +
                              choices + variant_names(scenario) + program::did_you_mean(name, known));
}

std::string settings_source(const Scenario& scenario, const Variant& variant) {
  return scenario.file + ", " + variant.name;
}

Scenario read_scenario(const std::string& path) {
  const auto json = read_json_file(path);
  StrictObject document(json, path);
  Scenario scenario;
  scenario.file = path;
  scenario.name = document.text("name", 64);
  if (scenario.name.find('/') != std::string::npos) document.complain("name", "without a slash: it names a file");
  scenario.question = document.text("question", 500);
  if (document.has("instances")) {
    scenario.instances = static_cast<size_t>(document.integer("instances", {1, most_instances}));
  }
  read_upstream(document.object("upstream"), scenario);
  scenario.load = read_load(document.object("load"));
  if (document.has("call_timeout_ms")) scenario.call_timeout = time(document, "call_timeout_ms");
  if (document.has("redis_timeout_ms")) scenario.redis_timeout = time(document, "redis_timeout_ms");
  scenario.variants = read_variants(document, {scenario.instances, scenario.load.duration});
  document.done();
  require_playable_by_stage_simple(document, scenario);
  return scenario;
}

}  // namespace load
