// Every shipped experiment in virtual time: what it expects holds, whatever chance does.
#include "load_generator/simulation/simulated_run.hpp"

#include <doctest/doctest.h>

#include <fstream>
#include <iterator>
#include <string>

#include "load_generator/experiment/experiment.hpp"
#include "load_generator/report/compare.hpp"
#include "load_generator/report/run_file.hpp"
#include "program/processes/temporary_folder.hpp"

namespace {

using load::Scenario;
using load::Variant;

Scenario shipped(const std::string& name) { return load::read_scenario(load::scenario_path(name)); }

load::FinishedRun play(Scenario scenario, const Variant& variant, uint64_t seed) {
  if (variant.stage == load::Stage::simple) scenario.instances = 1;
  return load::finish(simulation::simulate(scenario, variant, seed).run,
                      {scenario.name, variant.name, scenario.question, {}, variant.expectations});
}

std::string text_of(const load::FinishedRun& run) {
  const program::TemporaryFolder folder;
  const std::string path = folder.path() / "run.json";
  load::write_run_file(path, run);
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

Scenario with_instances(Scenario scenario, size_t instances) {
  scenario.load.rate *= static_cast<double>(instances) / static_cast<double>(scenario.instances);
  scenario.instances = instances;
  return scenario;
}

}  // namespace

TEST_CASE("what an experiment expects holds in virtual time, with any seed") {
  for (const std::string& name : load::shipped_scenarios()) {
    const Scenario scenario = shipped(name);
    for (const Variant& variant : scenario.variants) {
      for (uint64_t seed = 1; seed <= 10; ++seed) {
        const load::FinishedRun run = play(scenario, variant, seed);
        INFO(name, ", ", variant.name, ", seed ", seed, "\n", load::failed_verdicts(run.summary));
        CHECK(load::all_hold(run.summary.expectations, run.summary.measures));
      }
    }
  }
}

TEST_CASE("a store that can compare-and-set meets what is expected of Redis, with any seed") {
  for (const std::string& name : load::shipped_scenarios()) {
    const Scenario scenario = shipped(name);
    const Variant* const redis = find_variant(scenario, "redis");
    if (redis == nullptr) continue;
    Variant variant = *redis;
    variant.stage = load::Stage::store;
    for (uint64_t seed = 1; seed <= 3; ++seed) {
      const load::FinishedRun run = play(scenario, variant, seed);
      INFO(name, ", seed ", seed, "\n", load::failed_verdicts(run.summary));
      CHECK(load::all_hold(run.summary.expectations, run.summary.measures));
    }
  }
}

TEST_CASE("the same seed gives the same bytes, another one others") {
  for (const std::string name : {"outage-10", "failover", "race"}) {
    const Scenario scenario = shipped(name);
    for (const Variant& variant : scenario.variants) {
      if (variant.stage == load::Stage::simple) continue;  // nothing in it is left to chance
      const std::string first = text_of(play(scenario, variant, 7));
      CHECK(first == text_of(play(scenario, variant, 7)));
      CHECK(first != text_of(play(scenario, variant, 8)));
    }
  }
}

TEST_CASE(
    "in an outage, instances with their own breakers cost the threshold each, and one shared breaker costs it once") {
  const Scenario outage = shipped("outage-10");
  for (const size_t instances : {20, 200}) {
    const Scenario scenario = with_instances(outage, instances);
    const auto distributed = play(scenario, *find_variant(scenario, "distributed"), 1).summary.measures;
    const auto redis = play(scenario, *find_variant(scenario, "redis"), 1).summary.measures;
    CHECK(distributed.at("counted_failures") == 5.0 * static_cast<double>(instances));
    CHECK(redis.at("counted_failures") == 5);
    CHECK(redis.at("opened") == 1);
    CHECK(redis.at("instances_that_opened") >= 1);
  }
}

TEST_CASE("a call to a killed instance has not arrived; one that it was killed with may have") {
  const Scenario scenario = shipped("prober-death");
  const auto run = play(scenario, *find_variant(scenario, "redis"), 1).run;
  int cut_off = 0;
  int refused = 0;
  for (const load::Call& call : run.calls) {
    if (call.status == load::CallStatus::unreachable) ++(call.may_have_arrived ? cut_off : refused);
  }
  CHECK(cut_off == 1);  // the probe
  CHECK(refused > 50);
}

TEST_CASE("a fleet that is too large to list all calls still counts them") {
  const Scenario scenario = with_instances(shipped("outage"), 300);
  const auto measures = play(scenario, *find_variant(scenario, "distributed"), 1).summary.measures;
  CHECK(measures.at("success") + measures.at("failure") + measures.at("blocked") == 200 * 100);
  CHECK(measures.at("upstream_calls") == measures.at("success") + measures.at("failure"));
  CHECK_FALSE(measures.contains("p99_success_ms"));
}
