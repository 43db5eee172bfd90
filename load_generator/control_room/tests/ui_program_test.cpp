// The whole program: `load_generator ui`, and --ui beside a run.
#include <doctest/doctest.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <list>

#include "load_generator/api/fake_instance.hpp"
#include "load_generator/control_room/http_api.hpp"
#include "load_generator/control_room/tests/page_for_test.hpp"
#include "load_generator/tests/scratch_file.hpp"
#include "load_generator/tests/seen_for_test.hpp"
#include "program/processes/child_process.hpp"
#include "program/processes/fair_stopwatch.hpp"

using namespace load;
using json = nlohmann::ordered_json;
using program::ChildProcess;
using std::chrono::milliseconds;

namespace {

constexpr milliseconds room_patience{30'000};
constexpr const char* unreachable = "http://127.0.0.1:1";

ChildProcess start(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), LAB_BIN_DIR "/load_generator");
  return ChildProcess(arguments);
}

std::string page_of(ChildProcess& process) {
  const std::string line = process.wait_for_line("the control room: http://127.0.0.1:", room_patience);
  const size_t start = line.find("http://");
  return line.substr(start, line.find(' ', start) - start);
}

// With pages open.
void check_that_it_ends_within_a_second(ChildProcess& process, int signal, size_t children_expected) {
  std::list<PageForTest> pages;
  for (int i = 0; i < 3; ++i) pages.emplace_back(page_of(process)).look_on();
  for (const PageForTest& page : pages)
    REQUIRE(page.sees([](const json& picture) { return picture["load"]["sent"] > 0; }));
  const std::vector<pid_t> children = children_of(process);
  CHECK(children.size() == children_expected);
  const program::FairStopwatch stopwatch;
  process.send_signal(signal);
  CHECK(process.wait(room_patience) == 0);
  CHECK(stopwatch.elapsed() < milliseconds(LAB_END_WITHIN_MS));
  for (const pid_t child : children) CHECK(kill(child, 0) != 0);
}

}  // namespace

TEST_CASE("bad options of the page are one line and exit code 2") {
  const std::vector<std::vector<std::string>> bad{{"ui", "--port", "70000"},
                                                  {"ui", "--rate", "1001"},
                                                  {"ui", "--stage", "simple"},
                                                  {"ui", "--instances", "4"},
                                                  {"ui", "--stage", "redis", "--instances", "27"},
                                                  {"ui", "--stage", "redis", "--targets", "http://127.0.0.1:8001"},
                                                  {"ui", "--targets", "file:///etc/passwd"},
                                                  {"--ui", "web"}};
  for (const auto& arguments : bad) {
    ChildProcess process = start(arguments);
    CHECK(process.wait(room_patience) == 2);
    CAPTURE(process.output());
    CHECK(is_one_line(process.output()));
  }
}

TEST_CASE("a taken port is one line that says which, and exit code 1, before anything is started") {
  FakeInstance taken;
  taken.start();
  const std::string port = taken.url().substr(taken.url().rfind(':') + 1);
  for (const std::vector<std::string>& arguments : std::vector<std::vector<std::string>>{
           {"ui", "--port", port, "--stage", "redis"}, {"--ui", port, "--targets", taken.url(), "--duration", "1s"}}) {
    ChildProcess process = start(arguments);
    CHECK(process.wait(room_patience) == 1);
    CAPTURE(process.output());
    CHECK(is_one_line(process.output()));
    CHECK(process.output().find("127.0.0.1:" + port) != std::string::npos);
  }
}

TEST_CASE("a page shows instances that do not answer yet") {
  ChildProcess process = start({"ui", "--port", "0", "--targets", unreachable, "--upstream", unreachable});
  PageForTest page(page_of(process));
  page.look_on();
  REQUIRE(page.sees([](const json& picture) { return picture["agreement"]["text"] == "1 without an answer"; }));
  CHECK(page.picture()["instances"][0]["name"] == unreachable);
  CHECK(page.picture()["upstream"]["answers"] == false);
}

TEST_CASE("a signal ends the program within a second, and the instances that it started") {
  for (const int signal : {SIGINT, SIGTERM}) {
    ChildProcess process = start({"ui", "--port", "0", "--stage", "redis", "--rate", "50"});
    check_that_it_ends_within_a_second(process, signal, 5);  // the upstream, Redis and three instances
  }
}

namespace {

struct Harm {
  const char* instances;  // what a page does to all three; empty: nothing
  const char* redis;
  size_t children_left;
};

void apply(const Harm& harm, const PageForTest& page) {
  for (const char* name : {"Instance-A", "Instance-B", "Instance-C"}) {
    if (*harm.instances == '\0') break;
    CHECK(page.post("/control/instance", {{"instance", name}, {"do", harm.instances}}).status == 200);
  }
  if (*harm.redis != '\0') CHECK(page.post("/control/redis", {{"do", harm.redis}}).status == 200);
}

}  // namespace

TEST_CASE("a signal ends the program within a second, whatever is frozen or killed") {
  for (const Harm& harm : {Harm{"", "freeze", 5}, Harm{"freeze", "", 5}, Harm{"freeze", "freeze", 5},
                           Harm{"kill", "freeze", 2}, Harm{"freeze", "kill", 4}}) {
    CAPTURE(harm.instances);
    CAPTURE(harm.redis);
    ChildProcess process = start({"ui", "--port", "0", "--stage", "redis", "--rate", "50"});
    PageForTest page(page_of(process));
    page.look_on();
    REQUIRE(page.sees([](const json& picture) { return picture["load"]["sent"] > 10; }));
    apply(harm, page);
    check_that_it_ends_within_a_second(process, SIGTERM, harm.children_left);
  }
}

TEST_CASE("a page sees what other hands do to the processes, and can repair it") {
  ChildProcess process = start({"ui", "--port", "0", "--stage", "redis"});
  PageForTest page(page_of(process));
  page.look_on();
  const auto are = [&page](const char* word, size_t count) {
    return page.sees([&](const json& picture) {
      const auto is_so = [&](const json& entry) { return entry["process"] == word; };
      const auto instances = std::count_if(picture["instances"].begin(), picture["instances"].end(), is_so);
      return static_cast<size_t>(instances + (is_so(picture["redis"]) ? 1 : 0)) == count;
    });
  };
  REQUIRE(are("running", 4));
  const std::vector<pid_t> children = children_of(process);  // the upstream, Redis and three instances
  REQUIRE(children.size() == 5);
  for (size_t i = 1; i < 5; ++i) kill(children[i], SIGSTOP);
  CHECK(are("frozen", 4));
  CHECK(page.post("/control/redis", {{"do", "resume"}}).status == 200);
  CHECK(page.post("/control/instance", {{"instance", "Instance-A"}, {"do", "resume"}}).status == 200);
  CHECK(are("running", 2));
  for (size_t i = 1; i < 5; ++i) kill(children[i], SIGKILL);
  CHECK(are("killed", 4));
  CHECK(page.post("/control/redis", {{"do", "start"}}).status == 200);
  CHECK(page.post("/control/instance", {{"instance", "Instance-C"}, {"do", "start"}}).status == 200);
  CHECK(are("running", 2));
  CHECK(page.sees([](const json& picture) { return picture["instances"][2]["state"] == "closed"; }));
}

TEST_CASE("a signal ends the program within a second while a scenario runs") {
  ChildProcess process = start({"ui", "--port", "0", "--stage", "distributed", "--rate", "50"});
  PageForTest page(page_of(process));
  page.look_on();
  CHECK(page.post("/control/scenario", {{"name", "recovery"}, {"variant", "distributed"}}).status == 200);
  INFO("the page got " << page.picture().dump() << ", and the program printed " << process.output());
  REQUIRE(page.sees([](const json& picture) {
    return picture["scenario"].is_object() && picture["scenario"]["phase"] == "running" && picture["title"] != "live";
  }));
  check_that_it_ends_within_a_second(process, SIGTERM, 8);  // two upstreams and two times three instances
}

namespace {

// Ask for a race's news all the time, until the program is gone.
class Followers {
 public:
  Followers(const std::string& url, int pages) {
    for (int i = 0; i < pages; ++i) {
      threads_.emplace_back([page = std::make_unique<PageForTest>(url)](const std::stop_token& stop) {
        while (!stop.stop_requested() && page->get("/race").status == 200) {
        }
      });
    }
  }

 private:
  std::vector<std::jthread> threads_;
};

}  // namespace

TEST_CASE("a signal ends the program within a second while a race runs and ten pages follow it") {
  ChildProcess process = start({"ui", "--port", "0", "--stage", "distributed", "--rate", "50"});
  PageForTest page(page_of(process));
  page.look_on();
  REQUIRE(page.sees([](const json& picture) { return picture["load"]["sent"] > 0; }));
  CHECK(page.post("/control/race", {{"instances", 3}, {"failure_threshold", 20}, {"rate", 10}}).status == 200);
  const Followers followers(page_of(process), 10);
  REQUIRE(page.sees(
      [](const json& picture) { return picture["race"].is_object() && picture["race"]["phase"] == "running"; }));
  check_that_it_ends_within_a_second(process, SIGINT, 13);  // three fleets of three, three upstreams and a Redis
}

namespace {

// A separate control room, whose race five pages follow.
class RoomWithRace {
 public:
  explicit RoomWithRace(const std::string& temporary_files)
      : process_({"/usr/bin/env", "TMPDIR=" + temporary_files, LAB_BIN_DIR "/load_generator", "ui", "--port", "0",
                  "--stage", "redis"}),
        page_(page_of(process_)),
        followers_(page_of(process_), 5) {
    page_.look_on();
    CHECK(page_.post("/control/race", {{"instances", 2}, {"failure_threshold", 20}, {"rate", 10}}).status == 200);
  }

  bool race_runs() const {
    return page_.sees(
        [](const json& picture) { return picture["race"].is_object() && picture["race"]["phase"] == "running"; });
  }

  ChildProcess& process() { return process_; }

 private:
  ChildProcess process_;
  PageForTest page_;
  Followers followers_;
};

}  // namespace

TEST_CASE("two servers with a race each and ten pages end within a second, and leave no process and no file") {
  const ScratchFolder temporary_files;
  std::list<RoomWithRace> rooms;
  for (int i = 0; i < 2; ++i) rooms.emplace_back(temporary_files.path(""));
  std::vector<pid_t> children;
  for (RoomWithRace& room : rooms) {
    REQUIRE(room.race_runs());
    for (const pid_t child : children_of(room.process())) children.push_back(child);
  }
  CHECK(children.size() == 2 * 12);  // of the page 3 instances, an upstream, Redis; of the race 4, 2 and Redis
  const program::FairStopwatch stopwatch;
  for (RoomWithRace& room : rooms) room.process().send_signal(SIGINT);
  for (RoomWithRace& room : rooms) CHECK(room.process().wait(room_patience) == 0);
  CHECK(stopwatch.elapsed() < milliseconds(LAB_END_WITHIN_MS));
  for (const pid_t child : children) CHECK(kill(child, 0) != 0);
  CHECK(std::filesystem::is_empty(temporary_files.path("")));
}

namespace {

pid_t redis_among(const std::vector<pid_t>& children) {
  const auto found = std::find_if(children.begin(), children.end(), [](pid_t child) {
    std::ifstream name("/proc/" + std::to_string(child) + "/comm");
    return std::string(std::istreambuf_iterator<char>(name), {}) == "redis-server\n";
  });
  return found == children.end() ? 0 : *found;
}

}  // namespace

TEST_CASE("a race whose Redis dies fails with a sentence, and leaves no program behind") {
  ChildProcess process = start({"ui", "--port", "0", "--stage", "distributed"});
  PageForTest page(page_of(process));
  page.look_on();
  CHECK(page.post("/control/race", {{"instances", 2}, {"failure_threshold", 1}}).status == 200);
  const auto has_phase = [&](const char* phase) {
    return page.sees(
        [&](const json& picture) { return picture["race"].is_object() && picture["race"]["phase"] == phase; });
  };
  REQUIRE(has_phase("running"));
  const pid_t redis = redis_among(children_of(process));
  REQUIRE(redis > 0);
  CHECK(kill(redis, SIGKILL) == 0);
  REQUIRE(has_phase("failed"));
  const json race = page.get("/race").body;
  CHECK_FALSE(race["error"].get<std::string>().empty());
  CHECK(race["runs"].empty());
  CHECK(children_of(process).size() == 4);  // the page's instances and their upstream
  CHECK(page.post("/control/race", json::object()).body["number"] == 2);
}

namespace {

// A run by hand against one instance, for a time, with the page.
ChildProcess run_with_ui(const FakeInstance& instance, const char* duration) {
  return start(
      {"--ui", "0", "--targets", instance.url(), "--upstream", unreachable, "--rate", "20", "--duration", duration});
}

void answer_calls(FakeInstance& instance) {
  instance.on("/status", R"({"instance":"Instance-A","breaker":{"state":"closed","store":"memory"}})");
  instance.on("/call", R"({"instance":"Instance-A","status":"success","state":"closed"})");
  instance.start();
}

}  // namespace

TEST_CASE("during a run by hand the page shows its load, and can change neither rate nor scenario") {
  FakeInstance instance;
  answer_calls(instance);
  ChildProcess process = run_with_ui(instance, "5m");
  PageForTest page(page_of(process));
  page.look_on();
  REQUIRE(page.sees([](const json& picture) { return picture["load"]["sent"] > 0; }));
  CHECK(page.picture()["load"]["rate"] == 20);
  CHECK(page.picture()["load"]["can_change"] == false);
  CHECK(page.post("/control/rate", {{"rate", 1}}).status == 409);
  CHECK(page.post("/control/scenario", {{"name", "outage"}, {"variant", "simple"}}).status == 409);
}

TEST_CASE("after a run by hand the page stays, and its controls work again") {
  FakeInstance instance;
  answer_calls(instance);
  ChildProcess process = run_with_ui(instance, "100ms");
  PageForTest page(page_of(process));
  page.look_on();
  process.wait_for_line("the run is over; the page stays: " + page_of(process), room_patience);
  CHECK(page.sees([](const json& picture) { return picture["load"]["can_change"] == true; }));
  CHECK(page.post("/control/rate", {{"rate", 1}}).status == 200);
  process.send_signal(SIGINT);
  CHECK(process.wait(room_patience) == 0);
}
