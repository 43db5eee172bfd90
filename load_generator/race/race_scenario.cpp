#include "load_generator/race/race_scenario.hpp"

#include <spdlog/fmt/fmt.h>

#include <cmath>

#include "load_generator/record/text.hpp"
#include "load_generator/simulation/simulated_run.hpp"
#include "program/duration.hpp"

namespace load {
namespace {

// A large fleet's calls and transitions are not all listed, so none can be explained or counted.
bool is_large(const RaceGivens& givens) { return givens.instances > simulation::most_polled_instances; }

// From when a call is sent until the instances that its failure concerns reject the next one, at most.
double news_takes_ms(const RaceGivens& givens, Stage stage) {
  const bool is_pushed = stage == Stage::redis && is_large(givens);
  const Offset pushes = (givens.failure_threshold + 1) * static_cast<int64_t>(givens.instances) * push_takes;
  return to_ms(answer_takes_less_than + (is_pushed ? pushes : Offset(0)));
}

// The arithmetic of a race.
struct Arithmetic {
  Arithmetic(const RaceGivens& givens, Stage stage)
      : instances(static_cast<double>(givens.instances)),
        threshold(givens.failure_threshold),
        gap_ms(1000 * instances / givens.rate),
        news_ms(news_takes_ms(givens, stage)),
        more_in_flight(std::floor(news_ms / gap_ms)) {}

  std::string rhythm() const {
    return fmt::format("an instance is called every {} ms, and an answer takes less than {} ms", number_text(gap_ms),
                       number_text(news_ms));
  }

  const double instances;
  const double threshold;
  const double gap_ms;  // between two calls of one instance
  const double news_ms;
  const double more_in_flight;  // calls at an instance at most, beside the one that opens its breaker
};

Expectation exactly(const std::string& measure, double figure, const std::string& because) {
  return {measure, figure, figure, because};
}

Expectation failures_of_separate_breakers(const Arithmetic& race) {
  const double least = race.instances * race.threshold;
  const std::string because = fmt::format("{} breakers x threshold {} = {}: each has to see its failures itself; {}",
                                          race.instances, race.threshold, least, race.rhythm());
  if (race.more_in_flight == 0) {
    return exactly("upstream_failures", least, because + ", so none is in flight when its breaker opens");
  }
  return {"upstream_failures", least, least + race.instances * race.more_in_flight,
          because + fmt::format(", so up to {} more may be in flight at each of the {} when its breaker opens",
                                race.more_in_flight, race.instances)};
}

Expectation failures_of_one_breaker(const Arithmetic& race) {
  const double each = race.more_in_flight + 1;
  return {"upstream_failures", race.threshold, race.threshold + race.instances * each - 1,
          fmt::format("one shared breaker x threshold {0} = {0}, whichever instances see the failures; and up to {1} "
                      "in flight when it opens: {2}, so at most {3} at each of the {4}, of which one opens it",
                      race.threshold, race.instances * each - 1, race.rhythm(), each, race.instances)};
}

Expectation no_unexplained_call() {
  return exactly("unexplained", 0, "the instances and the upstream's ledger agree on every call");
}

Variant variant_of(const RaceGivens& givens, Stage stage) {
  Variant variant;
  variant.name = to_text(stage);
  variant.stage = stage;
  variant.breaker = {{"failure_threshold", std::to_string(givens.failure_threshold)},
                     {"recovery_timeout", program::to_text(givens.recovery_timeout)}};
  return variant;
}

Variant separate_breakers(const RaceGivens& givens) {
  Variant variant = variant_of(givens, Stage::distributed);
  const Arithmetic race(givens, Stage::distributed);
  variant.expectations = {
      failures_of_separate_breakers(race),
      exactly("opened", race.instances,
              fmt::format("each of the {} breakers opens once; {} of recovery timeout outlast the race", race.instances,
                          program::to_text(givens.recovery_timeout)))};
  if (!is_large(givens)) variant.expectations.push_back(no_unexplained_call());
  return variant;
}

Variant one_breaker(const RaceGivens& givens) {
  Variant variant = variant_of(givens, Stage::redis);
  variant.expectations = {failures_of_one_breaker(Arithmetic(givens, Stage::redis))};
  if (is_large(givens)) return variant;
  variant.expectations.push_back(exactly("opened", 1, "one breaker, one transition, reported by one instance"));
  variant.expectations.push_back(no_unexplained_call());
  return variant;
}

}  // namespace

Scenario race_scenario(const RaceGivens& givens) {
  Scenario scenario;
  scenario.file = scenario.name = "the-race";
  scenario.question = fmt::format(
      "The upstream dies. {} instances, and a breaker opens after {} failures in a row: how many failed calls does the "
      "upstream get until all reject, if each instance has its breaker, and if all share one?",
      givens.instances, givens.failure_threshold);
  scenario.instances = givens.instances;
  scenario.plan = "healthy 1s, down";
  scenario.load.rate = givens.rate;
  scenario.load.duration = race_length(givens);
  scenario.variants = {separate_breakers(givens), one_breaker(givens)};
  return scenario;
}

}  // namespace load
