#include "load_generator/simulation/chaos/chaos_life.hpp"

#include <doctest/doctest.h>

#include <sstream>
#include <string>

using namespace simulation;
using namespace std::chrono_literals;

namespace {

std::string trace_of(const LifePlan& plan) {
  LifeFigures figures;
  std::ostringstream trace;
  live(plan, figures, &trace);
  return trace.str();
}

}  // namespace

TEST_CASE("no life of a fleet violates anything; lives that once did come first") {
  // In their order: news that came during an exchange; two losses with the clock set back; news on a lossy network; a
  // replica whose clock is behind; a server that evicts what it has restored; a flush right before an order; a flush
  // that an instance met which had missed the last transition; probes that ended without a transition; a local breaker
  // that opened after Redis had recovered; an eviction by a server that had restarted since.
  std::vector<uint64_t> seeds{150, 102, 184, 303, 1000242, 859, 279, 5041, 1001576, 3000324, 3003151, 5271};
  for (uint64_t seed = 1; seed <= 200; ++seed) seeds.push_back(seed);
  for (const uint64_t seed : seeds) {
    LifeFigures figures;
    const auto violation = live(plan_life(seed, 10), figures, nullptr);
    INFO("seed ", seed, ": ", violation ? violation->what : "");
    CHECK_FALSE(violation);
  }
}

TEST_CASE("no life of a fleet whose store can only compare-and-set violates anything") {
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    LifeFigures figures;
    const auto violation = live(plan_life(seed, 10, load::Stage::store), figures, nullptr);
    INFO("seed ", seed, ": ", violation ? violation->what : "");
    CHECK_FALSE(violation);
    CHECK(figures.scripts > 0);
  }
}

TEST_CASE("the same plan gives the same life") {
  const std::string trace = trace_of(plan_life(3, 5));
  CHECK(trace.size() > 1000);
  CHECK(trace == trace_of(plan_life(3, 5)));
  CHECK(trace != trace_of(plan_life(4, 5)));
}

TEST_CASE("a quiet time passes without an event, and the fleet is as fresh after it as before") {
  LifePlan plan = plan_life(1, 10);
  plan.harms.clear();
  plan.episodes = {1h, 9h};
  LifeFigures figures;
  CHECK_FALSE(live(plan, figures, nullptr));
  CHECK(figures.hours > 9);
  CHECK(figures.transitions == 0);
  CHECK(figures.scripts < 2000);  // the calls of two episodes, and polls
}
