// The control room with real instances, and with scenarios: what pages see is so, and what they ask for happens.
#include "load_generator/control_room/control_room.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <sstream>
#include <thread>
#include <vector>

#include "load_generator/api/fake_instance.hpp"
#include "load_generator/control_room/tests/page_for_test.hpp"
#include "load_generator/control_room/tests/room_for_test.hpp"
#include "load_generator/experiment/experiment.hpp"
#include "load_generator/fleet/fleet.hpp"
#include "load_generator/report/atomic_file.hpp"
#include "load_generator/tests/seen_for_test.hpp"

using namespace load;
using json = nlohmann::ordered_json;

namespace {

// Instances of a stage, with short breaks, and a page that looks on.
class Desk {
 public:
  explicit Desk(Stage stage)
      : fleet_(scenario(), variant(stage)), room({fleet_.targets(), fleet_.upstream()}), page(room.url()) {
    page.look_on();
    REQUIRE(page.sees([](const json& picture) {
      return picture["agreement"]["text"] == "3 closed" && picture["upstream"]["answers"] == true;
    }));
  }

  // What was done, by the answer.
  std::string order(const std::string& control, const json& body) {
    const auto answer = page.post("/control/" + control, body);
    CAPTURE(answer.body.dump());
    CHECK(answer.status == 200);
    return answer.body.value("done", "");
  }
  int refusal_of(const std::string& control, const json& body) { return page.post("/control/" + control, body).status; }
  bool stands(const std::string& text) {
    return page.sees([&](const json& picture) { return picture["agreement"]["text"] == text; });
  }
  bool drops(const std::vector<std::string>& callers) {
    return page.sees(
        [&](const json& picture) { return picture["upstream"]["fault"]["dropped_callers"] == json(callers); });
  }
  bool has_phase(const std::string& phase) {
    return page.sees(
        [&](const json& picture) { return picture["scenario"].is_object() && picture["scenario"]["phase"] == phase; });
  }

 private:
  static Scenario scenario() {
    Scenario scenario;
    scenario.file = "test";
    return scenario;
  }
  static Variant variant(Stage stage) {
    Variant variant;
    variant.stage = stage;
    variant.breaker = {{"recovery_timeout", "300ms"}};
    if (stage == Stage::redis) variant.instance = {{"redis_timeout", "5s"}};  // a busy machine is no sick Redis
    return variant;
  }

  Fleet fleet_;

 public:
  RoomForTest room;
  PageForTest page;
};

json fetched(const std::string& url) { return json::parse(program::send({.url = url}).body, nullptr, false); }

uint64_t sum(const json& counts) {
  uint64_t sum = 0;
  for (const auto& count : counts) sum += count.get<uint64_t>();
  return sum;
}

void check_controls(Stage stage, const std::string& with_b_cut_off) {
  Desk desk(stage);
  CHECK(desk.order("rate", {{"rate", 60}}) == "60 calls a second are sent");
  CHECK(
      desk.page.sees([](const json& picture) { return picture["load"]["rate"] == 60 && sum(picture["calls"]) > 10; }));
  CHECK(desk.order("fault", {{"plan", "down"}}) == "the upstream's plan is now: down");
  CHECK(desk.stands("3 open"));
  CHECK(desk.page.sees([](const json& picture) { return picture["upstream"]["fault"]["plan"] == "down"; }));
  desk.order("fault", {{"plan", "healthy"}});
  CHECK(desk.stands("3 closed"));
  CHECK(desk.order("network", {{"instance", "Instance-B"}, {"broken", true}}) ==
        "Instance-B's network to the upstream is broken");
  CHECK(desk.page.sees([&](const json& picture) {
    return picture["agreement"]["text"] == with_b_cut_off &&
           picture["upstream"]["ledger"]["callers"]["Instance-B"]["drop"] > 0;
  }));
  CHECK(desk.drops({"Instance-B"}));
  desk.order("network", {{"instance", "Instance-B"}, {"broken", false}});
  CHECK(desk.drops({}));
  CHECK(desk.stands("3 closed"));
  desk.order("override", {{"mode", "forced_open"}});
  CHECK(desk.stands("3 open"));
  CHECK(desk.page.sees([](const json& picture) { return picture["instances"][2]["override"] == "forced_open"; }));
  desk.order("override", {{"mode", "auto"}});
  CHECK(desk.stands("3 closed"));
  CHECK(desk.page.sees([](const json& picture) { return picture["instances"][2]["override"] != "forced_open"; }));
  CHECK(desk.order("rate", {{"rate", 0}}) == "no more load is sent");
}

}  // namespace

TEST_CASE("each control does what it says to instances that have a breaker each") {
  check_controls(Stage::distributed, "1 open, 2 closed");
}

// Calls go to each in turn: between two that fail at B there are always some that succeed elsewhere.
TEST_CASE("each control does what it says to instances that share a breaker") {
  check_controls(Stage::redis, "3 closed");
}

TEST_CASE("what a page has put together is what the instances and the upstream say themselves") {
  Desk desk(Stage::distributed);
  desk.order("fault", {{"plan", "flaky 0.5"}});
  desk.order("rate", {{"rate", 100}});
  CHECK(desk.page.sees(
      [](const json& picture) { return picture["transitions"].size() > 6 && picture["marks"].size() > 20; }));
  desk.order("rate", {{"rate", 0}});
  json picture;
  CHECK(desk.page.sees([&, quiet_since = -1.0](const json& seen) mutable {
    const json& calls = seen["calls"];
    const uint64_t made = sum(calls) - calls["blocked"].get<uint64_t>();
    const bool all_is_told = seen["load"]["rate"] == 0 && sum(calls) == seen["load"]["sent"] &&
                             seen["upstream"]["ledger"]["total"]["received"] == made;
    if (!all_is_told || seen["load"] != picture["load"]) quiet_since = seen["now_ms"];
    picture = seen;
    return seen["now_ms"] > quiet_since + 1000;
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
  CHECK(sum(picture["traffic"]["upstream_calls"]) == picture["upstream"]["ledger"]["total"]["received"]);
  CHECK(sum(picture["traffic"]["upstream_failures"]) == picture["upstream"]["ledger"]["total"]["failure"]);
  CHECK(sum(picture["traffic"]["blocked"]) == picture["calls"]["blocked"]);
}

namespace {

// How long instances disagreed while pages saw the scenario.
double disagreement_in(Desk& desk, const std::string& variant) {
  const json live = desk.page.picture();
  double disagreement = -1;
  desk.order("scenario", {{"name", "outage"}, {"variant", variant}});
  CHECK(desk.page.sees([&](const json& picture) {
    return picture["title"] == "outage, " + variant && picture["agreement"]["text"] == "3 open";
  }));
  CHECK(desk.page.picture()["can_control"] == false);
  CHECK(desk.page.picture()["load"]["can_change"] == false);
  CHECK(desk.page.picture()["fleet"] != live["fleet"]);
  CHECK(desk.page.picture()["instances"][0]["url"] != live["instances"][0]["url"]);
  CHECK(desk.refusal_of("fault", {{"plan", "healthy"}}) == 409);
  CHECK(desk.refusal_of("rate", {{"rate", 5}}) == 409);
  CHECK(desk.refusal_of("scenario", {{"name", "outage"}, {"variant", variant}}) == 409);
  CHECK(desk.page.sees([&](const json& picture) {
    if (picture["title"] != "live") disagreement = picture["agreement"]["disagreement_ms"];
    return picture["scenario"]["phase"] == "over" && picture["title"] == "live" && picture["can_control"] == true;
  }));
  CHECK(desk.page.picture()["fleet"] == live["fleet"]);
  CHECK(desk.page.picture()["scenario"]["run"] == "outage-" + variant);
  return disagreement;
}

}  // namespace

TEST_CASE("in the same scenario instances disagree where each has a breaker, and hardly where they share one") {
  Desk desk(Stage::distributed);
  const double alone = disagreement_in(desk, "distributed");
  double shared = 0;
  json run;
  for (int tries = 3; tries > 0 && run["measures"]["counted_failures"] != 3; --tries) {
    // Where a busy machine keeps Redis from answering in time, instances go by themselves, and it is another story.
    shared = disagreement_in(desk, "redis");
    run = desk.page.get("/runs/outage-redis").body;
  }
  MESSAGE("disagreed for " << alone << " ms, and " << shared << " ms");
  CHECK(alone > 0);
  CHECK(shared >= 0);
  CHECK(shared < 20);
  CHECK(shared < alone);
  CHECK(desk.page.get("/runs").body == json::array({"outage-distributed", "outage-redis"}));
  CHECK(run["variant"] == "redis");
  CHECK(run["measures"]["counted_failures"] == 3);
  CHECK(run["states"]["Instance-C"].size() >= 2);
}

// Its instances are asked by whoever plays it, and by nobody else.
TEST_CASE("that pages look on costs the instances of a scenario nothing") {
  std::atomic<int> asked_for_status = 0, asked_for_ledger = 0;
  FakeInstance both;
  both.on("/status", [&](const auto&, auto&) { asked_for_status += 1; });
  both.on("/ledger", [&](const auto&, auto&) { asked_for_ledger += 1; });
  both.start();
  const Watcher watcher({{{"Instance-A", both.url()}}, both.url()}, Watcher::Instances::told, [] {});
  CHECK(comes_true([&] { return asked_for_ledger >= 5; }));
  CHECK(asked_for_status == 0);
}

TEST_CASE("a scenario that is stopped midway leaves no run, and the live instances and another scenario can be seen") {
  Desk desk(Stage::distributed);
  desk.order("rate", {{"rate", 50}});
  const std::string live_upstream = desk.page.picture()["upstream"]["url"];
  desk.order("scenario", {{"name", "recovery"}, {"variant", "distributed"}});
  const auto runs_for = [&](double ms) {
    return desk.page.sees([ms](const json& picture) {
      return picture["scenario"].is_object() && picture["scenario"]["elapsed_ms"] > ms;
    });
  };
  REQUIRE(runs_for(300));
  const json ledger = fetched(live_upstream + "/ledger");
  REQUIRE(runs_for(800));
  CHECK(fetched(live_upstream + "/ledger") == ledger);  // the load pauses
  CHECK(desk.order("scenario/stop", json::object()) == "the scenario is being stopped");
  REQUIRE(desk.has_phase("failed"));
  CHECK(
      desk.page.sees([](const json& picture) { return picture["title"] == "live" && picture["can_control"] == true; }));
  CHECK(desk.page.sees([&](const json& picture) {
    return picture["upstream"]["ledger"]["total"]["received"] > ledger["total"]["received"];  // and goes on
  }));
  CHECK(desk.page.picture()["scenario"]["error"] == "it was stopped before its end, so there is no run of it");
  CHECK(desk.page.get("/runs").body.empty());
  CHECK(desk.refusal_of("scenario/stop", json::object()) == 409);
  desk.order("scenario", {{"name", "outage"}, {"variant", "simple"}});  // one process, on a virtual clock
  REQUIRE(desk.has_phase("over"));
  CHECK(desk.page.get("/runs").body == json::array({"outage-simple"}));
}

TEST_CASE(
    "of a folder of scenarios one that cannot be read is left out and logged once, and other files are not read") {
  const ScratchFolder folder;
  std::filesystem::copy_file(scenario_path("outage"), folder.path("outage.json"));
  folder.file("broken.json", "{");
  folder.file(".hidden.json", "{");
  folder.file("outage.json~", "{");
  folder.file("notes.txt", "{");
  std::filesystem::create_directory(folder.path("folder.json"));
  CHECK(scenarios_in(folder.path("")) == std::vector<std::string>{"broken", "outage"});
  std::ostringstream log;
  const auto before = spdlog::default_logger();
  spdlog::set_default_logger(
      std::make_shared<spdlog::logger>("test", std::make_shared<spdlog::sinks::ostream_sink_mt>(log)));
  ScenarioShelf shelf(folder.path(""));
  for (int i = 0; i < 2; ++i) {
    const json scenarios = shelf.to_json();
    REQUIRE(scenarios.size() == 1);
    CHECK(scenarios[0]["name"] == "outage");
  }
  spdlog::set_default_logger(before);
  const std::string told = log.str();
  CHECK(told.find("broken.json") != std::string::npos);
  CHECK(std::count(told.begin(), told.end(), '\n') == 1);
}

namespace {

ptrdiff_t files_in(const std::string& folder) {
  const std::filesystem::directory_iterator files(folder);
  return std::distance(begin(files), end(files));
}

}  // namespace

TEST_CASE("a file that many write at once is one of theirs, whole, and nothing is left beside it") {
  const ScratchFolder folder;
  {
    std::vector<std::jthread> writers;
    for (const char letter : {'a', 'b', 'c', 'd'}) {
      writers.emplace_back([&folder, letter] {
        for (int i = 0; i < 50; ++i) CHECK_NOTHROW(write_file(folder.path("run.json"), std::string(100'000, letter)));
      });
    }
  }
  std::ifstream file(folder.path("run.json"));
  const std::string text(std::istreambuf_iterator<char>(file), {});
  CHECK(text.size() == 100'000);
  CHECK(text.find_first_not_of(text.front()) == std::string::npos);
  CHECK(files_in(folder.path("")) == 1);
}

TEST_CASE("a file is there whole or as it was, and a failure leaves nothing beside it") {
  const ScratchFolder folder;
  const std::string path = folder.path("runs/outage.json");
  write_file(path, "old");
  std::ifstream reader(path);  // has it open while it is written anew
  write_file(path, "new");
  std::string seen;
  reader >> seen;
  CHECK(seen == "old");
  std::ifstream(path) >> seen;
  CHECK(seen == "new");
  CHECK(files_in(folder.path("runs")) == 1);
  const std::string taken = folder.path("taken.json");  // by a folder, which no file replaces
  std::filesystem::create_directory(taken);
  CHECK_THROWS_WITH_AS(write_file(taken, "new"), (taken + ": cannot be written").c_str(), std::runtime_error);
  CHECK(files_in(folder.path("")) == 2);  // runs, and the folder that is in the way
}

TEST_CASE("a link stays a link, and what it leads to is written") {
  const ScratchFolder folder;
  const std::string file = folder.path("file");
  const std::string link = folder.path("link");
  write_file(file, "old");
  std::filesystem::create_symlink(file, link);
  write_file(link, "new");
  CHECK(std::filesystem::is_symlink(link));
  std::string seen;
  std::ifstream(file) >> seen;
  CHECK(seen == "new");
}

TEST_CASE("from its order on a scenario has a number, the load pauses, and the frame tells it of the live instances") {
  const ScratchFolder runs;
  ControlRoom room({{{"", "http://127.0.0.1:1"}}, "http://127.0.0.1:1"}, runs.path(""));  // nobody plays its scenarios
  const auto frame = [&] { return json::parse(room.frame({}).json); };
  room.set_rate(200);
  while (frame()["load"]["sent"] < 10) std::this_thread::yield();
  CHECK(room.start_scenario("outage", "simple").number == 1);
  const json first = frame();
  CHECK(first["scenario"]["phase"] == "starting");
  CHECK(first["scenario"]["number"] == 1);
  CHECK(first["title"] == "live");
  CHECK(first["load"]["rate"] == 200);
  CHECK(first["load"]["sent"] >= 10);
  CHECK(first["load"]["can_change"] == false);
  std::this_thread::sleep_for(std::chrono::milliseconds(100));  // what was being sent at the order has gone out
  const json later = frame();
  std::this_thread::sleep_for(std::chrono::milliseconds(300));  // in which sixty would go out
  CHECK(frame()["load"]["sent"] <= later["load"]["sent"].get<uint64_t>() + 5);
}

TEST_CASE("orders are counted, also of stage simple, and a stop that is promised leaves no run") {
  Desk desk(Stage::distributed);
  for (int number = 1; number <= 3; ++number) {
    const auto answer = desk.page.post("/control/scenario", {{"name", "outage"}, {"variant", "simple"}});
    CHECK(answer.body["number"] == number);
    const auto stop = desk.page.post("/control/scenario/stop", json::object());
    json scenario;
    REQUIRE(desk.page.sees([&](const json& picture) {
      scenario = picture["scenario"];
      return scenario.is_object() && scenario["number"] == number &&
             (scenario["phase"] == "over" || scenario["phase"] == "failed");
    }));
    CHECK((stop.status == 200 || stop.status == 409));
    CHECK(scenario["phase"] == (stop.status == 200 ? "failed" : "over"));
  }
}

TEST_CASE("a stop that comes while the run is being kept is refused with a sentence") {
  Desk desk(Stage::distributed);
  const std::string file = desk.room.runs.path("flaky-simple.json");  // a pipe holds 4 KiB of some 300
  REQUIRE(mkfifo(file.c_str(), 0600) == 0);
  pollfd pipe{open(file.c_str(), O_RDONLY | O_NONBLOCK), POLLIN, 0};
  REQUIRE(pipe.fd >= 0);
  CHECK(fcntl(pipe.fd, F_SETPIPE_SZ, 4096) == 4096);
  desk.order("scenario", {{"name", "flaky"}, {"variant", "simple"}});
  REQUIRE(poll(&pipe, 1, 30'000) == 1);
  const auto late = desk.page.post("/control/scenario/stop", json::object());
  CHECK(late.status == 409);
  CHECK(late.body.value("error", "").find("too late") != std::string::npos);
  char part[4096];
  while (read(pipe.fd, part, sizeof part) != 0) poll(&pipe, 1, 100);
  close(pipe.fd);
  CHECK(desk.has_phase("over"));
}
