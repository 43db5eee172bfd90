// A run of another seed takes the place of the real one.
#include "load_generator/simulation/against_real.hpp"

#include <doctest/doctest.h>

#include "load_generator/experiment/experiment.hpp"
#include "load_generator/simulation/simulated_run.hpp"

namespace {

using simulation::differences;
using simulation::Distributions;

load::Scenario with_threshold(const std::string& name, const std::string& threshold) {
  load::Scenario scenario = load::read_scenario(load::scenario_path(name));
  for (load::Variant& variant : scenario.variants) {
    variant.breaker = load::changed(variant.breaker, {{"failure_threshold", threshold}});
  }
  return scenario;
}

load::Measures as_if_real(const load::Scenario& scenario, const std::string& variant) {
  const load::Run run = simulation::simulate(scenario, *load::find_variant(scenario, variant), 1000).run;
  return load::measure(run, load::timeline(run));
}

}  // namespace

TEST_CASE("a run of another seed agrees; with another threshold it differs, and the check fails") {
  const load::Scenario five = with_threshold("outage-10", "5");
  const Distributions simulated = simulation::distributions(five, *load::find_variant(five, "redis"), 1, 20);
  const double calls = simulation::calls_in_the_balance(five.load);
  CHECK(differences(simulated, as_if_real(five, "redis"), calls).empty());

  simulation::RealityCheck check;
  const load::Measures of_four = as_if_real(with_threshold("outage-10", "4"), "redis");
  const std::string text = check.judge("outage-10, redis", differences(simulated, of_four, calls), "");
  CHECK(text == "outage-10, redis: DIFFERS\n  counted_failures        expected 5, real 4\n");
  CHECK_FALSE(check.passed());
}

TEST_CASE("a count that all seeds agree on must be equal; another may be a quarter of the range outside of it") {
  const Distributions simulated{{"opened", {3, 3, 3}}, {"probes", {100, 105, 110}}};
  CHECK(differences(simulated, {{"opened", 3}, {"probes", 112}}, 9).empty());
  CHECK(differences(simulated, {{"opened", 4}, {"probes", 112}}, 9).front().measure == "opened");
  CHECK(differences(simulated, {{"opened", 3}, {"probes", 113}}, 9).front().measure == "probes");
}

TEST_CASE("calls that came while a break began or ended may be answered otherwise") {
  const Distributions simulated{{"blocked", {100, 100}}};
  CHECK(differences(simulated, {{"blocked", 102}}, 2).empty());
  CHECK(differences(simulated, {{"blocked", 103}}, 2).size() == 1);
  CHECK(simulation::calls_in_the_balance({.rate = 500}) == 5);
  CHECK(simulation::calls_in_the_balance({.rate = 10}) == 1);
}

TEST_CASE("times, and the scripts that Redis ran, are not judged") {
  const Distributions simulated{{"disagreement_ms", {3, 4}}, {"redis_scripts", {100, 100}}};
  CHECK(differences(simulated, {{"disagreement_ms", 900}, {"redis_scripts", 120}}, 1).empty());
}

TEST_CASE("a count that only one side has differs, unless some seeds lack it too") {
  CHECK(differences({{"opened", {1, 1}}, {"calls_per_trip", {3, 3}}}, {{"opened", 1}}, 1).size() == 1);
  CHECK(differences({{"opened", {1, 1}}, {"calls_per_trip", {3}}}, {{"opened", 1}}, 1).empty());
  CHECK(differences({{"opened", {1, 1}}}, {{"opened", 1}, {"calls_per_trip", 3}}, 1).size() == 1);
}

TEST_CASE("a known difference passes with its reason, and only in the counts that it explains") {
  simulation::RealityCheck check;
  const std::string text = check.judge("race, naive", {{"most_probes_at_once", {{10, 10}}, 4}}, "");
  CHECK(text.starts_with("race, naive: differs, as is known: a few cores cannot"));
  check.judge("outage, redis", {}, "");
  CHECK(check.passed());
  check.judge("race, naive", {{"unexplained", {{0, 0}}, 1}}, "");
  CHECK_FALSE(check.passed());
}

TEST_CASE("a check that found nothing to agree with does not pass") {
  simulation::RealityCheck check;
  CHECK(check.without_real_run("outage, redis") == "outage, redis: no real run\n");
  const std::string text = check.judge("outage, simple", {{"opened", {{1, 1}}, 2}}, "a call was sent late");
  CHECK(text.starts_with("outage, simple: differs, but this machine was too busy: a call was sent late\n"));
  CHECK_FALSE(check.passed());
  check.judge("outage, distributed", {}, "");
  CHECK(check.passed());
}
