// Races in virtual time: whatever the givens, the measured numbers are the expected ones.
#include "load_generator/race/simulated_race.hpp"

#include <doctest/doctest.h>

#include "load_generator/report/compare.hpp"
#include "load_generator/report/run_document.hpp"

using namespace load;
using std::chrono::milliseconds;

namespace {

void check_expectations(const RaceGivens& givens) {
  for (const FinishedRun& run : simulated_race(givens)) {
    INFO(to_json(givens, World::simulated).dump(), ", ", run.summary.variant, "\n", failed_verdicts(run.summary));
    CHECK(all_hold(run.summary.expectations, run.summary.measures));
  }
}

std::string text_of(const RaceGivens& givens) {
  std::string text;
  for (const FinishedRun& run : simulated_race(givens)) text += run_json(run).dump();
  return text;
}

}  // namespace

TEST_CASE("a simulated race measures what is expected, with any number of instances and any threshold") {
  for (const size_t instances : {2, 3, 5, 10, 26}) {
    for (const int threshold : {1, 3, 5, 10, 20}) {
      for (const double rate : {50.0, 100.0, 1000.0}) {
        const RaceGivens givens{instances, threshold, rate, milliseconds(60'000), 7};
        check_expectations(givens);
      }
    }
  }
}

TEST_CASE("a simulated race measures what is expected, with any seed") {
  for (uint64_t seed = 0; seed < 20; ++seed) check_expectations({10, 5, 50, milliseconds(10'000), seed});
}

TEST_CASE("a simulated race of many instances measures what is expected") {
  for (const size_t instances : {27, 100, 101, 300, 1000}) {
    for (const double rate : {1000.0, 5000.0, 10'000.0}) {
      for (const int threshold : {1, 5, 20}) {
        check_expectations({instances, threshold, rate, milliseconds(60'000), 7});
      }
    }
  }
}

TEST_CASE("the same givens give the same bytes, and another seed others") {
  const RaceGivens givens{10, 5, 50, milliseconds(10'000), 7};
  CHECK(text_of(givens) == text_of(givens));
  CHECK(text_of(givens) != text_of({10, 5, 50, milliseconds(10'000), 8}));
}

TEST_CASE("a simulated race can be drawn, and a large one has its figures only") {
  const std::vector<FinishedRun> runs = simulated_race({10, 5, 50, milliseconds(10'000), 7});
  REQUIRE(runs.size() == 2);
  const auto document = run_document(runs[0]);
  CHECK(document["name"] == "the-race");
  CHECK(document["variant"] == "distributed");
  CHECK(document["calls"].size() == 150);  // 50 a second, for 3 s
  CHECK(document["transitions"].size() == 10);
  CHECK(document["states"].size() == 10);
  CHECK(document["expectations"][0]["expected"] == "exactly 50");
  CHECK(document["expectations"][0]["held"] == true);
  CHECK(document["settings"]["recovery_timeout_ms"] == 10'000);
  CHECK(run_document(runs[1])["shared_breaker"] == true);
  const auto large = run_document(simulated_race({27, 5, 50, milliseconds(10'000), 7})[0]);
  for (const char* field : {"calls", "states", "marks", "traffic", "transitions"}) CHECK_FALSE(large.contains(field));
  CHECK(large["measures"]["upstream_failures"] == 27 * 5);
  CHECK(large["expectations"][0]["held"] == true);
}
