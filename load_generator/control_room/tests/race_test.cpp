// A race that a page starts: two real fleets, and what pages see of them.
#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

#include "load_generator/api/fake_instance.hpp"
#include "load_generator/control_room/tests/page_for_test.hpp"
#include "load_generator/control_room/tests/room_for_test.hpp"
#include "load_generator/tests/seen_for_test.hpp"

using namespace load;
using json = nlohmann::ordered_json;

namespace {

const json small{{"instances", 3}, {"failure_threshold", 2}, {"rate", 60}, {"recovery_timeout_ms", 5000}};

// One live instance that answers, its control room, a page, and what the page has collected of a race.
class RaceRoom {
 public:
  RaceRoom() {
    instance_.on("/status", R"({"instance":"Instance-A","breaker":{"state":"closed","store":"memory"}})");
    instance_.on("/call", R"({"instance":"Instance-A","status":"success","state":"closed"})");
    instance_.start();
    room.emplace(WatchedFleet{{{"", instance_.url()}}, "http://127.0.0.1:1"});
    page.emplace(room->url());
    page->look_on();
  }

  PageForTest::Answer start(const json& givens = small) const { return page->post("/control/race", givens); }
  int status_of(const std::string& control, const json& body) const {
    return page->post("/control/" + control, body).status;
  }

  // Asks for news until `what` holds for an answer.
  bool follows_until(const std::function<bool(const json&)>& what) {
    return comes_true([&] {
      last = page->get("/race?from=" + next_).body;
      if (!last.is_object() || !last.contains("fleets")) return false;
      next_ = last["next"];
      for (size_t i = 0; i < last["fleets"].size(); ++i) {
        for (const auto& call : last["fleets"][i]["calls"]) calls[i].push_back(call.dump());
        for (const auto& transition : last["fleets"][i]["transitions"]) transitions[i].push_back(transition.dump());
      }
      return what(last);
    });
  }
  bool reaches(const std::string& phase) {
    return follows_until([&](const json& race) { return race["phase"] == phase; });
  }

 private:
  FakeInstance instance_;
  std::string next_;

 public:
  std::optional<RoomForTest> room;
  std::optional<PageForTest> page;
  json last;
  std::array<std::vector<std::string>, 2> calls;
  std::array<std::vector<std::string>, 2> transitions;
};

std::vector<std::string> sorted(std::vector<std::string> texts) {
  std::sort(texts.begin(), texts.end());
  return texts;
}

std::vector<std::string> entries_of(const json& list) {
  std::vector<std::string> texts;
  for (const auto& entry : list) texts.push_back(entry.dump());
  return sorted(texts);
}

}  // namespace

TEST_CASE_FIXTURE(RaceRoom, "a race plays both designs, and its news add up to the calls and transitions of its runs") {
  CHECK(page->get("/race").body["phase"] == "none");
  CHECK(page->sees([](const json& picture) { return picture["race"].is_null(); }));
  const auto begun = start();
  CHECK(begun.body == json{{"done", "the race begins"}, {"number", 1}});
  REQUIRE(reaches("running"));
  CHECK(last["givens"]["length_ms"] == 2500);
  CHECK(last["runs"].empty());
  REQUIRE(reaches("over"));
  CHECK(last["number"] == 1);
  CHECK(last["error"] == "");
  CHECK(last["elapsed_ms"] >= 2500);
  CHECK(last["runs"] == json{"the-race-distributed", "the-race-redis"});
  for (size_t i = 0; i < 2; ++i) {
    const std::string name = last["runs"][i];
    CAPTURE(name);
    const json run = page->get("/runs/" + name).body;
    CHECK(last["fleets"][i]["variant"] == run["variant"]);
    CHECK(last["fleets"][i]["instances"] == run["instances"]);
    CHECK(calls[i].size() == 150);
    CHECK(sorted(calls[i]) == entries_of(run["calls"]));
    CHECK(sorted(transitions[i]) == entries_of(run["transitions"]));
    CHECK(run["measures"]["opened"] >= 1);
    CHECK(run["expectations"][0]["measure"] == "upstream_failures");
    CHECK(run["settings"]["failure_threshold"] == 2);
    CHECK(has(run["played"]["command"], "/control/race"));
  }
  CHECK(page->sees([](const json& picture) { return picture["race"] == json{{"number", 1}, {"phase", "over"}}; }));
  const json all = page->get("/race").body;
  CHECK(all["fleets"][0]["calls"].size() == 150);
  CHECK(page->get("/race?from=2-1-0-0-0").body == all);  // of another race
  CHECK(page->get("/race?from=1-150-0-150-0").body["fleets"][0]["calls"].empty());
  for (const char* from : {"1-151-0-150-0", "1-150-99-150-0", "x", "1-2-3", "1--1-0-0-0", "1-1-1-1-1111111111", "7"}) {
    CAPTURE(from);
    CHECK(page->get("/race?from=" + std::string(from)).status == 400);
  }
  CHECK(page->get("/race?to=1").status == 400);
}

TEST_CASE_FIXTURE(RaceRoom,
                  "while a race runs nothing may change, the live load pauses, and pages see the live fleet") {
  CHECK(status_of("rate", {{"rate", 200}}) == 200);
  REQUIRE(page->sees([](const json& picture) { return picture["load"]["sent"] >= 10; }));
  REQUIRE(start().status == 200);
  REQUIRE(reaches("running"));
  const auto at_work = [](const json& picture) { return picture["race"].is_object() && !picture["can_control"]; };
  REQUIRE(page->sees(at_work));
  const json before = page->picture();
  CHECK(before["title"] == "live");
  const auto second = start();
  CHECK(second.status == 409);
  CHECK(second.body["error"] == "a race is running; wait for its end, or stop it");
  CHECK(status_of("scenario", {{"name", "outage"}, {"variant", "simple"}}) == 409);
  CHECK(status_of("scenario/stop", json::object()) == 409);
  CHECK(status_of("rate", {{"rate", 1}}) == 409);
  REQUIRE(follows_until([](const json& race) { return race["elapsed_ms"] > 1000; }));
  const uint64_t sent = page->picture()["load"]["sent"].get<uint64_t>();
  CHECK(sent <= before["load"]["sent"].get<uint64_t>() + 5);  // 200 a second were due
  CHECK(status_of("race/stop", json::object()) == 200);
  CHECK(page->sees(
      [&](const json& picture) { return picture["can_control"] == true && picture["load"]["sent"] > sent + 10; }));
}

TEST_CASE_FIXTURE(RaceRoom, "a race that is stopped leaves no run, and then another one can start") {
  CHECK(status_of("race/stop", json::object()) == 409);
  REQUIRE(start().status == 200);
  REQUIRE(follows_until([&](const json&) { return calls[0].size() > 10 && calls[1].size() > 10; }));
  CHECK(page->post("/control/race/stop", json::object()).body["done"] == "the race is being stopped");
  REQUIRE(reaches("failed"));
  CHECK(last["error"] == "it was stopped before its end, so there is no run of it");
  CHECK(last["elapsed_ms"] < 2500);
  CHECK(page->get("/runs").body.empty());
  CHECK(status_of("race/stop", json::object()) == 409);
  CHECK(start().body["number"] == 2);
  CHECK(status_of("race/stop", json::object()) == 200);  // while its programs start
  CHECK(reaches("failed"));
  CHECK(last["number"] == 2);
}

TEST_CASE_FIXTURE(RaceRoom, "a race with givens that are not valid is refused with a sentence, and none starts") {
  const auto refused = [&](const json& givens, const std::string& words) {
    const auto answer = start(givens);
    CHECK(answer.status == 400);
    CHECK(has(answer.body.value("error", ""), words));
  };
  refused({{"instances", 27}}, "instances is 27");
  refused({{"seed", 7}}, "seed is not a known field");
  refused({{"rate", 10}, {"recovery_timeout_ms", 5000}}, "the last of 10 breakers opens at 1 s + 10 x 5 / 10 = 6 s");
  CHECK(page->get("/race").body["phase"] == "none");
}
