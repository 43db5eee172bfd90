#include "load_generator/record/state_measures.hpp"

#include <doctest/doctest.h>

using namespace load;
using std::chrono::milliseconds;

namespace {

Measures measures_of(const Run& run) { return measure(run, timeline(run)); }

// A run of 1 s.
Run run_of(size_t targets) {
  Run run;
  run.targets.resize(targets);
  run.samples.resize(targets);
  run.length = milliseconds(1000);
  return run;
}

std::vector<Sample> samples(std::initializer_list<std::pair<int, State>> list) {
  std::vector<Sample> result;
  for (const auto& [ms, state] : list) result.push_back({milliseconds(ms), state});
  return result;
}

std::vector<Sample> stores(std::initializer_list<std::pair<int, bool>> list) {
  std::vector<Sample> result;
  for (const auto& [ms, local] : list) result.push_back({milliseconds(ms), State::closed, local});
  return result;
}

}  // namespace

TEST_CASE("the longest half-open period ends with another state, or with the run") {
  Run run = run_of(2);
  run.samples[0] = samples(
      {{0, State::closed}, {100, State::half_open}, {200, State::half_open}, {300, State::open}, {400, State::open}});
  CHECK(measures_of(run).at("longest_half_open_ms") == 200);
  run.samples[1] = samples({{0, State::open}, {600, State::half_open}, {700, State::half_open}});
  CHECK(measures_of(run).at("longest_half_open_ms") == 400);
  run.samples[1].push_back({milliseconds(750), State::unknown});  // it died
  CHECK(measures_of(run).at("longest_half_open_ms") == 200);
}

TEST_CASE("a half-open period is as long as its transitions say, whatever the polls showed") {
  Run run = run_of(1);
  run.samples[0] = samples({{0, State::open}, {100, State::half_open}, {200, State::closed}});
  run.transitions = {{0, 2, State::open, State::half_open, "", milliseconds(98)},
                     {0, 3, State::half_open, State::closed, "", milliseconds(103)},
                     {0, 4, State::closed, State::open, "", milliseconds(500)}};
  CHECK(measures_of(run).at("longest_half_open_ms") == 5);
}

TEST_CASE("disagreement is the time in which instances that answer are in different states") {
  Run run = run_of(3);
  run.samples[0] = samples({{0, State::closed}, {300, State::open}, {400, State::open}});
  run.samples[1] = samples({{0, State::closed}, {500, State::open}, {600, State::open}});
  run.samples[2] = samples({{0, State::unknown}});
  CHECK(measures_of(run).at("disagreement_ms") == 200);
}

TEST_CASE("disagreement follows the times of transitions, not of polls") {
  Run run = run_of(2);
  run.samples[0] = samples({{0, State::closed}, {300, State::open}});
  run.samples[1] = samples({{0, State::closed}, {305, State::open}});
  run.transitions = {{0, 2, State::closed, State::open, "", milliseconds(210)},
                     {1, 2, State::closed, State::open, "", milliseconds(280)}};
  CHECK(measures_of(run).at("disagreement_ms") == 70);
  run.shared_breaker = true;
  CHECK(measures_of(run).at("disagreement_ms") == 0);
}

TEST_CASE("the longest local period is that of one instance, without interruption") {
  Run run = run_of(2);
  run.samples[0] = stores({{0, false}, {100, true}, {200, false}, {300, true}, {400, true}, {550, false}});
  run.samples[1] = stores({{0, false}, {100, true}, {300, false}});
  CHECK(measures_of(run).at("local_ms") == 250);
  run.samples[1] = stores({{0, false}, {600, true}});
  CHECK(measures_of(run).at("local_ms") == 400);
}

TEST_CASE("Redis is back for all when the last instance shares again, for good") {
  Run run = run_of(3);
  run.samples[0] = stores({{0, false}, {100, true}, {400, false}, {500, true}, {700, false}, {800, false}});
  run.samples[1] = stores({{0, false}, {100, true}, {600, false}});
  run.samples[2] = stores({{0, false}});
  CHECK_FALSE(measures_of(run).contains("rejoined_ms"));
  run.redis_back_at = milliseconds(450);
  CHECK(measures_of(run).at("rejoined_ms") == 250);
  run.redis_back_at = milliseconds(900);
  CHECK(measures_of(run).at("rejoined_ms") == 0);
}

TEST_CASE("rejoined_ms is absent if an instance did not rejoin, or did not answer any more") {
  Run run = run_of(1);
  run.redis_back_at = milliseconds(450);
  run.samples[0] = stores({{0, false}, {100, true}});
  CHECK_FALSE(measures_of(run).contains("rejoined_ms"));
  run.samples[0].push_back({milliseconds(500), State::unknown});
  CHECK_FALSE(measures_of(run).contains("rejoined_ms"));
  run.samples[0].push_back({milliseconds(600), State::open});
  CHECK(measures_of(run).at("rejoined_ms") == 150);
}

TEST_CASE("closed at the end: by each instance's last poll") {
  Run run = run_of(3);
  run.samples[0] = samples({{0, State::open}, {100, State::closed}});
  run.samples[1] = samples({{0, State::closed}, {100, State::half_open}});
  CHECK(measures_of(run).at("closed_at_end") == 1);
}

TEST_CASE("local at the end: by each instance's last poll") {
  Run run = run_of(3);
  run.samples[0] = stores({{0, false}, {100, true}});
  run.samples[1] = stores({{0, true}, {100, false}});
  CHECK(measures_of(run).at("local_at_end") == 1);
}
