#include "load_generator/report/timeline_json.hpp"

#include <doctest/doctest.h>

using namespace load;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using json = nlohmann::ordered_json;

namespace {

const std::vector<Target> targets{{"Instance-A", ""}, {"<script>", ""}};

Sample point(int ms, State state) { return {milliseconds(ms), state}; }

std::vector<std::string> states_from(int from_ms) {
  const std::vector<Sample> lane{point(0, State::closed), point(100, State::open), point(200, State::half_open),
                                 point(200, State::closed)};
  std::vector<std::string> texts;
  const json states = states_json(targets, {lane}, milliseconds(from_ms));
  for (const auto& entry : states.at("Instance-A")) {
    texts.push_back(std::to_string(entry.at("at_ms_since_start").get<int>()) + " " +
                    entry.at("state").get<std::string>());
  }
  return texts;
}

}  // namespace

TEST_CASE("states are by instance, with fractions of a millisecond, and mark local breakers") {
  const std::vector<Sample> lane{{microseconds(1500), State::closed}, {milliseconds(2), State::open, true}};
  CHECK(states_json(targets, {lane, {}}).dump() ==
        R"({"Instance-A":[{"at_ms_since_start":1.5,"state":"closed"},)"
        R"({"at_ms_since_start":2.0,"state":"open","store":"local"}],"<script>":[]})");
}

TEST_CASE("states from some time on begin with the one in force then") {
  using Texts = std::vector<std::string>;
  CHECK(states_from(-5) == Texts{"0 closed", "100 open", "200 half_open", "200 closed"});
  CHECK(states_from(99) == Texts{"99 closed", "100 open", "200 half_open", "200 closed"});
  CHECK(states_from(100) == Texts{"100 open", "200 half_open", "200 closed"});
  CHECK(states_from(150) == Texts{"150 open", "200 half_open", "200 closed"});
  CHECK(states_from(200) == Texts{"200 half_open", "200 closed"});
  CHECK(states_from(201) == Texts{"201 closed"});
}

TEST_CASE("transitions from some time on, each with its instance and cause") {
  Run run;
  run.targets = targets;
  run.transitions = {{0, 2, State::closed, State::open, "3 consecutive failures", milliseconds(10)},
                     {1, 3, State::open, State::half_open, "<b>recovery</b>", milliseconds(20)}};
  CHECK(transitions_json(run.targets, run.transitions).size() == 2);
  CHECK(transitions_json(run.targets, run.transitions, milliseconds(11)).dump() ==
        R"([{"at_ms_since_start":20.0,"instance":"<script>","generation":3,"from":"open","to":"half_open",)"
        R"("cause":"<b>recovery</b>"}])");
}

TEST_CASE("a mark has only the flags that are true") {
  const std::vector<Mark> marks{{0, milliseconds(10), CallStatus::failure},
                                {1, milliseconds(20), CallStatus::exception, true, true, true}};
  CHECK(marks_json(targets, marks).dump() ==
        R"([{"at_ms_since_start":10.0,"instance":"Instance-A","status":"failure"},)"
        R"({"at_ms_since_start":20.0,"instance":"<script>","status":"exception",)"
        R"("probe":true,"late":true,"wasted":true}])");
  CHECK(marks_json(targets, marks, milliseconds(11)).size() == 1);
}

TEST_CASE("traffic is counts per step") {
  CHECK(traffic_json({milliseconds(200), {3, 1}, {1, 0}, {0, 9}}).dump() ==
        R"({"step_ms":200.0,"upstream_calls":[3,1],"upstream_failures":[1,0],"blocked":[0,9]})");
}
