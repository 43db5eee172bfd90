#include "load_generator/race/simulated_race.hpp"

#include "load_generator/race/race_scenario.hpp"
#include "load_generator/simulation/simulated_run.hpp"

namespace load {
namespace {

FinishedRun play(const Scenario& scenario, const Variant& variant, uint64_t seed) {
  FinishedRun finished = finish(simulation::simulate(scenario, variant, seed).run,
                                {scenario.name, variant.name, scenario.question, {}, variant.expectations});
  finished.settings = run_settings(scenario, variant);
  return finished;
}

}  // namespace

std::vector<FinishedRun> simulated_race(const RaceGivens& givens) {
  const Scenario scenario = race_scenario(givens);
  std::vector<FinishedRun> runs;
  for (const Variant& variant : scenario.variants) runs.push_back(play(scenario, variant, givens.seed));
  return runs;
}

}  // namespace load
