// The control room with real instances and with scenarios: pages see what happens, and what they request is done.
#include "load_generator/control_room/control_room.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <vector>

#include "load_generator/api/fake_instance.hpp"
#include "load_generator/control_room/tests/live_room_for_test.hpp"
#include "load_generator/experiment/experiment.hpp"
#include "load_generator/fleet/fleet.hpp"
#include "load_generator/tests/seen_for_test.hpp"

using namespace load;
using json = nlohmann::ordered_json;

namespace {

json fetched(const std::string& url) { return json::parse(program::send({.url = url}).body, nullptr, false); }

uint64_t sum(const json& counts) {
  uint64_t sum = 0;
  for (const auto& count : counts) sum += count.get<uint64_t>();
  return sum;
}

void check_controls(LiveRoom& live, const std::string& with_b_cut_off) {
  CHECK(live.apply("rate", {{"rate", 60}}) == "60 calls a second are sent");
  CHECK(
      live.page.sees([](const json& picture) { return picture["load"]["rate"] == 60 && sum(picture["calls"]) > 10; }));
  CHECK(live.apply("fault", {{"plan", "down"}}) == "the upstream's plan is now: down");
  CHECK(live.has_states("3 open"));
  CHECK(live.page.sees([](const json& picture) { return picture["upstream"]["fault"]["plan"] == "down"; }));
  live.apply("fault", {{"plan", "healthy"}});
  CHECK(live.has_states("3 closed"));
  CHECK(live.apply("network", {{"instance", "Instance-B"}, {"broken", true}}) ==
        "Instance-B's network to the upstream is broken");
  CHECK(live.page.sees([&](const json& picture) {
    return picture["agreement"]["text"] == with_b_cut_off &&
           picture["upstream"]["ledger"]["callers"]["Instance-B"]["drop"] > 0;
  }));
  CHECK(live.drops({"Instance-B"}));
  live.apply("network", {{"instance", "Instance-B"}, {"broken", false}});
  CHECK(live.drops({}));
  CHECK(live.has_states("3 closed"));
  live.apply("override", {{"mode", "forced_open"}});
  CHECK(live.has_states("3 open"));
  CHECK(live.page.sees([](const json& picture) { return picture["instances"][2]["override"] == "forced_open"; }));
  live.apply("override", {{"mode", "auto"}});
  CHECK(live.has_states("3 closed"));
  CHECK(live.page.sees([](const json& picture) { return picture["instances"][2]["override"] != "forced_open"; }));
  CHECK(live.apply("rate", {{"rate", 0}}) == "no more load is sent");
}

// How long the instances were in different states from the upstream's death until all breakers were open.
double disagreement_when_the_upstream_dies(LiveRoom& live) {
  live.apply("rate", {{"rate", 60}});
  live.apply("fault", {{"plan", "down"}});
  CHECK(live.has_states("3 open"));
  return live.page.picture()["agreement"]["disagreement_ms"];
}

}  // namespace

TEST_CASE("each control does what it says to instances with a breaker each") {
  LiveRoom live(Stage::distributed);
  check_controls(live, "1 open, 2 closed");
}

// Between two calls that fail at B, others succeed elsewhere.
TEST_CASE("each control does what it says to instances that share a breaker") {
  LiveRoom live(Stage::redis);
  check_controls(live, "3 closed");
}

TEST_CASE("when the upstream dies, instances disagree if each has a breaker, and not if they share one") {
  LiveRoom separate(Stage::distributed);
  CHECK(disagreement_when_the_upstream_dies(separate) > 0);
  LiveRoom shared(Stage::redis);
  CHECK(disagreement_when_the_upstream_dies(shared) == 0);
}

TEST_CASE("a page's merged updates equal what the instances and the upstream answer") {
  LiveRoom live(Stage::distributed);
  live.apply("fault", {{"plan", "flaky 0.5"}});
  live.apply("rate", {{"rate", 100}});
  json at_first;  // when it has read the ledger: calls before its first reading belong to no step
  CHECK(live.page.sees([&](const json& picture) {
    at_first = picture;
    return picture["transitions"].size() > 6 && picture["marks"].size() > 20 &&
           picture["upstream"]["ledger"]["total"]["received"] > 0;
  }));
  live.apply("rate", {{"rate", 0}});
  json picture;
  CHECK(live.page.sees([&, quiet_since = -1.0](const json& seen) mutable {
    const json& calls = seen["calls"];
    const uint64_t made = sum(calls) - calls["blocked"].get<uint64_t>();
    const bool all_is_known = seen["load"]["rate"] == 0 && sum(calls) == seen["load"]["sent"] &&
                              seen["upstream"]["ledger"]["total"]["received"] == made;
    if (!all_is_known || seen["load"] != picture["load"]) quiet_since = seen["now_ms"];
    picture = seen;
    return seen["now_ms"] > quiet_since + 300;
  }));
  size_t transitions = 0;
  size_t notable = 0;
  for (const json& instance : picture["instances"]) {
    const json status = fetched(instance["url"].get<std::string>() + "/status");
    CHECK(instance["name"] == status["instance"]);
    CHECK(instance["calls"] == status["calls"]);
    for (const char* field : {"state", "generation", "failures", "store", "late_results"})
      CHECK(instance[field] == status["breaker"][field]);
    CHECK(instance["breaker"] == status["breaker"]["name"]);
    transitions += status["transitions"].size();
    notable += status["notable_calls"].size();
  }
  CHECK(picture["transitions"].size() == transitions);
  CHECK(picture["marks"].size() == notable);
  CHECK(picture["upstream"]["ledger"] == fetched(picture["upstream"]["url"].get<std::string>() + "/ledger"));
  const auto counted = [&](const char* series, const char* outcome) {
    const uint64_t since = picture["upstream"]["ledger"]["total"][outcome].get<uint64_t>() -
                           at_first["upstream"]["ledger"]["total"][outcome].get<uint64_t>();
    return sum(at_first["traffic"][series]) + since;
  };
  CHECK(sum(picture["traffic"]["upstream_calls"]) == counted("upstream_calls", "received"));
  CHECK(sum(picture["traffic"]["upstream_failures"]) == counted("upstream_failures", "failure"));
  CHECK(sum(picture["traffic"]["blocked"]) == picture["calls"]["blocked"]);
}

TEST_CASE("while a scenario runs, pages see its instances and can only stop it, and its run is kept") {
  LiveRoom live(Stage::distributed);
  const json before = live.page.picture();
  live.apply("scenario", {{"name", "outage"}, {"variant", "distributed"}});
  REQUIRE(live.page.sees([](const json& picture) {
    return picture["title"] == "outage, distributed" && picture["agreement"]["text"] == "3 open";
  }));
  const json during = live.page.picture();
  CHECK(during["can_control"] == false);
  CHECK(during["load"]["can_change"] == false);
  CHECK(during["fleet"] != before["fleet"]);
  CHECK(during["instances"][0]["url"] != before["instances"][0]["url"]);
  CHECK(live.status_of("fault", {{"plan", "healthy"}}) == 409);
  CHECK(live.status_of("rate", {{"rate", 5}}) == 409);
  CHECK(live.status_of("scenario", {{"name", "outage"}, {"variant", "simple"}}) == 409);
  REQUIRE(live.has_phase("over"));
  CHECK(live.is_live_again());
  CHECK(live.page.picture()["fleet"] == before["fleet"]);
  CHECK(live.page.picture()["scenario"]["run"] == "outage-distributed");
  CHECK(live.page.get("/runs").body == json::array({"outage-distributed"}));
  const json run = live.page.get("/runs/outage-distributed").body;
  CHECK(run["variant"] == "distributed");
  CHECK(run["states"]["Instance-C"].size() >= 2);
}

TEST_CASE("all variants of a scenario are played one after the other, and updates say which are finished") {
  LiveRoom live(Stage::distributed);
  CHECK(live.apply("rate", {{"rate", 50}}) == "50 calls a second are sent");
  CHECK(live.apply("scenario", {{"name", "outage"}, {"variant", "all"}}) == "scenario outage, all begins");
  const auto runs_with = [&](const char* variant, const json& finished) {
    return live.page.sees([&](const json& picture) {
      const json& scenario = picture["scenario"];
      return scenario.is_object() && scenario["variant"] == variant && scenario["phase"] == "running" &&
             scenario["finished"] == finished && scenario["run"] == "" && picture["can_control"] == false;
    });
  };
  CHECK(runs_with("distributed", {"outage-simple"}));
  const uint64_t sent = live.page.picture()["load"]["sent"].get<uint64_t>();
  CHECK(runs_with("redis", {"outage-simple", "outage-distributed"}));
  CHECK(live.page.picture()["title"] == "outage, redis");
  REQUIRE(live.has_phase("over"));
  CHECK(live.page.picture()["scenario"]["number"] == 1);
  CHECK(live.page.picture()["scenario"]["run"] == "outage-redis");
  CHECK(live.page.picture()["scenario"]["finished"] == json{"outage-simple", "outage-distributed", "outage-redis"});
  CHECK(live.page.get("/runs").body.size() == 3);
  CHECK(live.is_live_again());
  CHECK(live.page.sees([&](const json& picture) { return picture["load"]["sent"] > sent; }));
}

TEST_CASE("when all variants are stopped, the finished ones keep their runs") {
  LiveRoom live(Stage::distributed);
  live.apply("scenario", {{"name", "outage"}, {"variant", "all"}});
  REQUIRE(live.page.sees([](const json& picture) {
    return picture["scenario"].is_object() && picture["scenario"]["finished"].size() == 1 &&
           picture["scenario"]["phase"] == "running";
  }));
  CHECK(live.apply("scenario/stop", json::object()) == "the scenario is being stopped");
  REQUIRE(live.has_phase("failed"));
  CHECK(live.page.get("/runs").body == json::array({"outage-simple"}));
  CHECK(live.page.picture()["scenario"]["finished"] == json::array({"outage-simple"}));
}

TEST_CASE("only the player requests the status of a scenario's instances, however many pages are open") {
  std::atomic<int> status_requests = 0, ledger_requests = 0;
  FakeInstance both;
  both.on("/status", [&](const auto&, auto&) { status_requests += 1; });
  both.on("/ledger", [&](const auto&, auto&) { ledger_requests += 1; });
  both.start();
  const FleetPoller poller({{{"Instance-A", both.url()}}, both.url()}, FleetPoller::Statuses::reported, [] {});
  CHECK(comes_true([&] { return ledger_requests >= 5; }));
  CHECK(status_requests == 0);
}

TEST_CASE("a scenario that is stopped leaves no run, and then the live load goes on and another scenario can start") {
  LiveRoom live(Stage::distributed);
  live.apply("rate", {{"rate", 50}});
  const std::string ledger_url = live.page.picture()["upstream"]["url"].get<std::string>() + "/ledger";
  const auto received = [&] { return fetched(ledger_url)["total"]["received"].get<uint64_t>(); };
  const auto has_played = [&](double ms) {
    return live.page.sees([ms](const json& picture) {
      return picture["scenario"].is_object() && picture["scenario"]["elapsed_ms"] > ms;
    });
  };
  live.apply("scenario", {{"name", "recovery"}, {"variant", "distributed"}});
  REQUIRE(has_played(100));
  const uint64_t before = received();
  REQUIRE(has_played(700));
  CHECK(received() <= before + 5);  // the load pauses: 30 calls were due
  CHECK(live.apply("scenario/stop", json::object()) == "the scenario is being stopped");
  REQUIRE(live.has_phase("failed"));
  CHECK(live.is_live_again());
  CHECK(comes_true([&] { return received() > before + 10; }));
  CHECK(live.page.picture()["scenario"]["error"] == "it was stopped before its end, so there is no run of it");
  CHECK(live.page.get("/runs").body.empty());
  CHECK(live.status_of("scenario/stop", json::object()) == 409);
  live.apply("scenario", {{"name", "outage"}, {"variant", "simple"}});  // one process, on a virtual clock
  REQUIRE(live.has_phase("over"));
  CHECK(live.page.get("/runs").body == json::array({"outage-simple"}));
}

TEST_CASE("a scenario that waits for the main thread has a number, and the load can no longer be changed") {
  const ScratchFolder runs;
  ControlRoom room({{{"", "http://127.0.0.1:1"}}, "http://127.0.0.1:1"}, runs.path(""));  // and no thread plays it
  const auto update = [&] { return room.update_since({}).json; };
  room.set_rate(200);
  REQUIRE(comes_true([&] { return update()["load"]["sent"] >= 10; }));
  CHECK(room.start_scenario("outage", "simple").number == 1);
  const json waiting = update();
  CHECK(waiting["scenario"]["phase"] == "starting");
  CHECK(waiting["scenario"]["number"] == 1);
  CHECK(waiting["title"] == "live");
  CHECK(waiting["load"]["rate"] == 200);
  CHECK(waiting["load"]["sent"] >= 10);
  CHECK(waiting["load"]["can_change"] == false);
}

TEST_CASE("scenarios are numbered from 1, and one whose stop was accepted leaves no run") {
  LiveRoom live(Stage::distributed);
  for (int number = 1; number <= 3; ++number) {
    const auto answer = live.page.post("/control/scenario", {{"name", "outage"}, {"variant", "simple"}});
    CHECK(answer.body["number"] == number);
    const int stop = live.status_of("scenario/stop", json::object());
    json scenario;
    REQUIRE(live.page.sees([&](const json& picture) {
      scenario = picture["scenario"];
      return scenario.is_object() && scenario["number"] == number &&
             (scenario["phase"] == "over" || scenario["phase"] == "failed");
    }));
    CHECK((stop == 200 || stop == 409));
    CHECK(scenario["phase"] == (stop == 200 ? "failed" : "over"));
  }
}

TEST_CASE("a stop while the run is being written is rejected with a sentence") {
  LiveRoom live(Stage::distributed);
  const std::string file = live.room.runs.path("flaky-simple.json");
  REQUIRE(mkfifo(file.c_str(), 0600) == 0);  // the writer of 300 KiB waits until the test has read most of them
  pollfd pipe{open(file.c_str(), O_RDONLY | O_NONBLOCK), POLLIN, 0};
  REQUIRE(pipe.fd >= 0);
  live.apply("scenario", {{"name", "flaky"}, {"variant", "simple"}});
  REQUIRE(poll(&pipe, 1, 30'000) == 1);
  const auto late = live.page.post("/control/scenario/stop", json::object());
  CHECK(late.status == 409);
  CHECK(has(late.body.value("error", ""), "too late"));
  std::array<char, 65536> part{};
  while (read(pipe.fd, part.data(), part.size()) != 0) poll(&pipe, 1, 100);
  close(pipe.fd);
  CHECK(live.has_phase("over"));
}
