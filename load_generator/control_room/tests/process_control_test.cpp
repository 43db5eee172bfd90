// What pages may do to the processes of the fleet that was started for them, against real ones.
#include "load_generator/control_room/process_control.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <future>

#include "load_generator/api/fake_instance.hpp"
#include "load_generator/control_room/tests/live_room_for_test.hpp"
#include "load_generator/fleet/redis_console.hpp"
#include "load_generator/tests/seen_for_test.hpp"

using namespace load;
using json = nlohmann::ordered_json;

namespace {

json to_b(const char* action) { return {{"instance", "Instance-B"}, {"do", action}}; }

uint64_t answered(const json& picture, size_t instance) { return picture["instances"][instance]["calls"]["success"]; }

bool b_is(const LiveRoom& live, const char* word, bool answers) {
  return live.page.sees([&](const json& picture) {
    const json& b = picture["instances"][1];
    return b["process"] == word && b["answers"] == answers;
  });
}

bool redis_is(const LiveRoom& live, const char* word) {
  return live.page.sees([&](const json& picture) { return picture["redis"] == json{{"process", word}}; });
}

bool all_have_store(const LiveRoom& live, const char* store) {
  return live.page.sees([&](const json& picture) {
    return std::all_of(picture["instances"].begin(), picture["instances"].end(),
                       [&](const json& instance) { return instance["store"] == store; });
  });
}

void check_refused(LiveRoom& live, const std::string& control, const json& body, const std::string& sentence) {
  const auto answer = live.page.post("/control/" + control, body);
  CHECK(answer.status == 409);
  CHECK(answer.body.value("error", "") == sentence);
}

// While B gives no answer: the others get ten calls each, and twenty updates come.
void check_that_others_go_on(const LiveRoom& live) {
  const json before = live.page.picture();
  const size_t frames = live.page.frames();
  CHECK(live.page.sees([&](const json& picture) {
    return answered(picture, 0) >= answered(before, 0) + 10 && answered(picture, 2) >= answered(before, 2) + 10;
  }));
  CHECK(comes_true([&] { return live.page.frames() >= frames + 20; }));
  CHECK(live.page.picture()["instances"][1]["answers"] == false);
}

int status_of(ProcessControl& control, const char* instance) {
  try {
    control.request({instance, ProcessControl::Action::freeze});
    return 200;
  } catch (const RequestError& error) {
    return error.status();
  }
}

}  // namespace

TEST_CASE("a frozen instance gives no answer until it is resumed, and meanwhile the others get their calls") {
  LiveRoom live(Stage::distributed);
  CHECK(b_is(live, "running", true));
  CHECK(live.page.picture()["redis"].is_null());
  live.apply("rate", {{"rate", 60}});
  CHECK(live.apply("instance", to_b("resume")) == "Instance-B is running already");
  CHECK(live.apply("instance", to_b("freeze")) == "Instance-B is frozen");
  CHECK(b_is(live, "frozen", false));
  CHECK(live.apply("instance", to_b("freeze")) == "Instance-B is frozen already");
  check_refused(live, "instance", to_b("start"), "Instance-B is frozen; resume it first");
  check_that_others_go_on(live);
  CHECK(live.apply("instance", to_b("resume")) == "Instance-B runs again");
  CHECK(b_is(live, "running", true));
}

TEST_CASE("a killed instance that is started again has its name and its port") {
  LiveRoom live(Stage::distributed);
  live.apply("rate", {{"rate", 60}});
  CHECK(live.page.sees([](const json& picture) { return answered(picture, 1) >= 20; }));
  const std::string url = live.page.picture()["instances"][1]["url"];
  CHECK(live.apply("instance", to_b("start")) == "Instance-B is running already");
  CHECK(live.apply("instance", to_b("freeze")) == "Instance-B is frozen");
  CHECK(live.apply("instance", to_b("kill")) == "Instance-B is killed");  // also a frozen one
  CHECK(b_is(live, "killed", false));
  CHECK(live.apply("instance", to_b("kill")) == "Instance-B is killed already");
  for (const char* action : {"freeze", "resume"}) {
    check_refused(live, "instance", to_b(action), "Instance-B is killed; start it first");
  }
  check_that_others_go_on(live);
  CHECK(live.apply("instance", to_b("start")) == "Instance-B starts again, with its name and port");
  CHECK(b_is(live, "running", true));
  CHECK(live.page.picture()["instances"][1]["name"] == "Instance-B");
  CHECK(live.page.picture()["instances"][1]["url"] == url);
}

TEST_CASE("while Redis is killed instances use their local breaker, and the shared one when it runs again") {
  LiveRoom live(Stage::redis);
  live.apply("rate", {{"rate", 60}});
  const RedisConsole console(live.fleet().redis()->port());
  console.ask({"SET", "marker", "1"});
  CHECK(redis_is(live, "running"));
  CHECK(all_have_store(live, "redis"));
  CHECK(live.apply("redis", {{"do", "kill"}}) == "Redis is killed");
  CHECK(redis_is(live, "killed"));
  CHECK(all_have_store(live, "local"));
  check_refused(live, "redis", {{"do", "flush"}}, "Redis is killed; start it first");
  CHECK(live.apply("redis", {{"do", "start"}}) == "Redis starts again, empty");
  CHECK(redis_is(live, "running"));
  CHECK(all_have_store(live, "redis"));
  CHECK(console.ask({"EXISTS", "marker"}) == "0");
}

TEST_CASE("a flush empties the fleet's Redis, unless it is frozen") {
  LiveRoom live(Stage::redis);
  const RedisConsole console(live.fleet().redis()->port());
  console.ask({"SET", "marker", "1"});
  CHECK(live.apply("redis", {{"do", "freeze"}}) == "Redis is frozen");
  CHECK(redis_is(live, "frozen"));
  check_refused(live, "redis", {{"do", "flush"}}, "Redis is frozen; resume it first");
  CHECK(live.apply("redis", {{"do", "resume"}}) == "Redis runs again");
  CHECK(redis_is(live, "running"));
  CHECK(console.ask({"EXISTS", "marker"}) == "1");
  CHECK(live.apply("redis", {{"do", "flush"}}) == "Redis has lost all its keys");
  CHECK(console.ask({"EXISTS", "marker"}) == "0");
}

TEST_CASE("an override can be for one instance, and for all of those that share a breaker") {
  const json body{{"mode", "forced_open"}, {"instance", "Instance-B"}};
  LiveRoom separate(Stage::distributed);
  CHECK(separate.apply("override", body) == "the breaker of Instance-B is now: forced_open");
  CHECK(separate.has_states("1 open, 2 closed"));
  CHECK(separate.page.picture()["instances"][1]["override"] == "forced_open");
  LiveRoom shared(Stage::redis);
  CHECK(shared.apply("override", body) ==
        "the breaker of Instance-B is now: forced_open; all instances share it, so this holds for all");
  CHECK(shared.has_states("3 open"));
}

TEST_CASE("an override does not wait for a frozen instance") {
  LiveRoom live(Stage::distributed);
  live.apply("instance", to_b("freeze"));
  CHECK(live.apply("override", {{"mode", "forced_open"}}) ==
        "the breaker of Instance-A, Instance-C is now: forced_open");
  CHECK(live.status_of("override", {{"mode", "auto"}, {"instance", "Instance-B"}}) == 502);
}

TEST_CASE("instances that were started elsewhere cannot be ended, and nothing is said of their processes") {
  FakeInstance other;
  other.on("/status", R"({"instance":"Instance-B","breaker":{"state":"closed","store":"memory"}})");
  other.start();
  RoomForTest room({{{"", other.url()}}, other.url()});
  PageForTest page(room.url());
  page.look_on();
  REQUIRE(page.sees([](const json& picture) { return picture["instances"][0]["answers"] == true; }));
  CHECK_FALSE(page.picture()["instances"][0].contains("process"));
  CHECK(page.picture()["redis"].is_null());
  for (const auto& answer :
       {page.post("/control/instance", to_b("kill")), page.post("/control/redis", {{"do", "kill"}})}) {
    CHECK(answer.status == 409);
    CHECK(answer.body["error"] == "these instances were started elsewhere; this page may not end them");
  }
}

TEST_CASE("an unknown instance is not found, and a fleet without Redis has none to kill") {
  LiveRoom live(Stage::distributed);
  CHECK(live.status_of("instance", {{"instance", "Instance-Z"}, {"do", "kill"}}) == 404);
  check_refused(live, "redis", {{"do", "kill"}}, "these instances have no Redis");
}

TEST_CASE("while a scenario runs no process can be changed, and afterwards a killed one is still killed") {
  LiveRoom live(Stage::distributed);
  live.apply("instance", to_b("kill"));
  live.apply("scenario", {{"name", "recovery"}, {"variant", "distributed"}});
  REQUIRE(live.page.sees([](const json& picture) { return picture["title"] == "recovery, distributed"; }));
  CHECK_FALSE(live.page.picture()["instances"][1].contains("process"));  // a scenario's fleet is not the page's
  CHECK(live.status_of("instance", to_b("start")) == 409);
  CHECK(live.status_of("redis", {{"do", "kill"}}) == 409);
  live.apply("scenario/stop", json::object());
  REQUIRE(live.is_live_again());
  CHECK(b_is(live, "killed", false));
  live.apply("instance", to_b("start"));
  CHECK(b_is(live, "running", true));
}

TEST_CASE("a request that the main thread does not take in time is answered, and changes nothing") {
  Scenario scenario;
  scenario.file = "test";
  Fleet fleet(scenario, {});
  ProcessControl control(&fleet, [] {});
  CHECK(status_of(control, "Instance-A") == 503);
  control.serve();
  CHECK(control.states().instances[0] == ProcessControl::ProcessState::running);
}

TEST_CASE("at the program's end a request that waits is answered, and so is each later one") {
  Scenario scenario;
  scenario.file = "test";
  Fleet fleet(scenario, {});
  ProcessControl control(&fleet, [] {});
  auto waiting = std::async(std::launch::async, [&] { return status_of(control, "Instance-A"); });
  control.close();
  CHECK(waiting.get() == 503);
  CHECK(status_of(control, "Instance-A") == 503);
  CHECK(control.states().instances[0] == ProcessControl::ProcessState::running);
}
