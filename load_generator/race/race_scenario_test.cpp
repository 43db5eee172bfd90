#include "load_generator/race/race_scenario.hpp"

#include <doctest/doctest.h>

#include <stdexcept>

#include "load_generator/tests/seen_for_test.hpp"

using namespace load;
using std::chrono::milliseconds;
using json = nlohmann::ordered_json;

namespace {

RaceGivens read(const json& fields, World world = World::real) {
  StrictObject request(fields, "the request");
  return read_race_givens(request, world);
}

// The error message; "accepted" if there is none.
std::string refusal(const json& fields, World world = World::real) {
  try {
    read(fields, world);
    return "accepted";
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
}

std::string expected_of(const RaceGivens& givens, const std::string& variant) {
  const Scenario scenario = race_scenario(givens);
  const Expectation& first = find_variant(scenario, variant)->expectations.at(0);
  CHECK(first.measure == "upstream_failures");
  CHECK_FALSE(first.because.empty());
  return bounds(first);
}

}  // namespace

TEST_CASE("a race without givens is the one of the first chapter") {
  CHECK(read(json::object()) == RaceGivens{10, 5, 50, milliseconds(10'000), 7});
  CHECK(read(json::object(), World::simulated) == RaceGivens{10, 5, 50, milliseconds(10'000), 7});
  const json given{{"instances", 3}, {"failure_threshold", 2}, {"rate", 60.5}, {"recovery_timeout_ms", 5000}};
  CHECK(read(given) == RaceGivens{3, 2, 60.5, milliseconds(5000), 7});
  CHECK(read({{"seed", 8}}, World::simulated).seed == 8);
}

TEST_CASE("a race lasts until the last breaker has opened, and a quarter of that longer, at least a second") {
  CHECK(last_breaker_opens_at({10, 5, 50}) == milliseconds(2000));  // 1 s + 10 x 5 / 50
  CHECK(race_length({10, 5, 50}) == milliseconds(3000));
  CHECK(race_length({10, 5, 49}) == milliseconds(3500));  // in steps of half a second
  CHECK(last_breaker_opens_at({26, 20, 50}) == milliseconds(11'400));
  CHECK(race_length({26, 20, 50}) == milliseconds(14'500));  // 11.4 + 2.85
  CHECK(last_breaker_opens_at({2, 1, 3}) == milliseconds(1667));
}

TEST_CASE("n instances with a breaker each cost n times the threshold, and one breaker costs it once") {
  CHECK(expected_of({10, 5, 50}, "distributed") == "exactly 50");
  CHECK(expected_of({10, 5, 50}, "redis") == "5 to 14");
  CHECK(expected_of({26, 20, 50}, "distributed") == "exactly 520");
  CHECK(expected_of({26, 20, 50}, "redis") == "20 to 45");
}

TEST_CASE("with a call every few milliseconds more are in flight when a breaker opens") {
  CHECK(expected_of({2, 5, 100}, "distributed") == "10 to 12");  // one every 20 ms at each
  CHECK(expected_of({2, 5, 101}, "distributed") == "10 to 12");
  CHECK(expected_of({2, 5, 99}, "distributed") == "exactly 10");
  CHECK(expected_of({2, 5, 1000}, "distributed") == "10 to 30");
  CHECK(expected_of({2, 5, 1000}, "redis") == "5 to 26");
}

TEST_CASE("the news of a thousand instances' failures takes Redis a while to push") {
  CHECK(expected_of({1000, 5, 5000}, "redis") == "5 to 1004");
  CHECK(expected_of({1000, 20, 10'000}, "redis") == "20 to 2019");  // 20 ms + 21 x 1000 x 5 us is more than 100 ms
  CHECK(expected_of({1000, 20, 10'000}, "distributed") == "exactly 20000");
}

TEST_CASE("a race is a scenario with two variants that differ in the design only") {
  const Scenario scenario = race_scenario({3, 2, 60, milliseconds(6000)});
  CHECK(scenario.name == "the-race");
  CHECK(scenario.plan == "healthy 1s, down");
  CHECK(scenario.instances == 3);
  CHECK(scenario.load.rate == 60);
  CHECK(scenario.load.duration == milliseconds(2500));
  CHECK(variant_names(scenario) == "distributed, redis");
  const Variant& separate = *find_variant(scenario, "distributed");
  CHECK(separate.breaker == Settings{{"failure_threshold", "2"}, {"recovery_timeout", "6s"}});
  CHECK(separate.breaker == find_variant(scenario, "redis")->breaker);
  CHECK(separate.stage == Stage::distributed);
  CHECK(find_variant(scenario, "redis")->stage == Stage::redis);
}

TEST_CASE("givens that are not known, of another type or out of range are refused by their field") {
  const auto refused = [](const std::string& complaint, const json& fields, World world = World::real) {
    const std::string sentence = refusal(fields, world);
    CHECK_MESSAGE(has(sentence, complaint), sentence);
    CHECK_FALSE(has(sentence, "\n"));
  };
  refused("instances is 1; it must be a whole number from 2 to 26", {{"instances", 1}});
  refused("instances is 27", {{"instances", 27}});
  refused("instances is 1001; it must be a whole number from 2 to 1000", {{"instances", 1001}}, World::simulated);
  refused("instances is 2.5", {{"instances", 2.5}});
  refused("instances is \"ten\"", {{"instances", "ten"}});
  refused("failure_threshold is 0; it must be a whole number from 1 to 20", {{"failure_threshold", 0}});
  refused("failure_threshold is 21", {{"failure_threshold", 21}});
  refused("rate is 0.5; it must be a number from 1 to 1000", {{"rate", 0.5}});
  refused("rate is 1001", {{"rate", 1001}});
  refused("rate is 10001; it must be a number from 1 to 10000", {{"rate", 10'001}}, World::simulated);
  refused("rate is null", {{"rate", nullptr}});
  refused("recovery_timeout_ms is 4999; it must be a whole number from 5000 to 60000", {{"recovery_timeout_ms", 4999}});
  refused("recovery_timeout_ms is 60001", {{"recovery_timeout_ms", 60'001}});
  refused("seed is -1", {{"seed", -1}}, World::simulated);
  refused("seed is not a known field", {{"seed", 7}});
  refused("more is not a known field", {{"more", 1}});
}

TEST_CASE("a race in which a breaker would probe before the end is refused with its arithmetic") {
  const std::string sentence = refusal({{"instances", 26}, {"failure_threshold", 20}, {"recovery_timeout_ms", 5000}});
  CHECK(sentence ==
        "the last of 26 breakers opens at 1 s + 26 x 20 / 50 = 11.40 s, so the race would last 14.50 s, but the first "
        "breaker may probe again at 1 s + 5 s = 6 s; raise recovery_timeout or rate, or lower instances or "
        "failure_threshold");
  // 5 s of break end at 6 s; a race of 6 s may end a little after the first probe.
  CHECK(refusal({{"instances", 17}, {"failure_threshold", 10}, {"recovery_timeout_ms", 5000}}) == "accepted");
  CHECK(has(refusal({{"instances", 18}, {"failure_threshold", 10}, {"recovery_timeout_ms", 5000}}), "probe"));
}

TEST_CASE("a race of more than half a minute is refused, but not in virtual time") {
  const json slow{{"instances", 26}, {"failure_threshold", 20}, {"rate", 20}, {"recovery_timeout_ms", 60'000}};
  CHECK(has(refusal(slow), "so the race would last 34 s, of at most 30 s; raise rate"));
  CHECK(refusal(slow, World::simulated) == "accepted");
}

TEST_CASE("the givens as JSON say when the fault comes and how long the race lasts") {
  CHECK(to_json(RaceGivens(), World::simulated).dump() ==
        R"({"instances":10,"failure_threshold":5,"rate":50.0,"recovery_timeout_ms":10000,"fault_at_ms":1000,)"
        R"("length_ms":3000,"seed":7})");
  CHECK_FALSE(to_json(RaceGivens(), World::real).contains("seed"));
}
