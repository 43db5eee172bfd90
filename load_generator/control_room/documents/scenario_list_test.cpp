// The scenarios as pages get them: their order, their givens, and whether they were played here.
#include "load_generator/control_room/documents/scenario_list.hpp"

#include <doctest/doctest.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

#include "load_generator/control_room/documents/chapters.hpp"
#include "load_generator/experiment/experiment.hpp"
#include "load_generator/report/run_file.hpp"
#include "load_generator/tests/scratch_file.hpp"
#include "load_generator/tests/seen_for_test.hpp"

using namespace load;
using json = nlohmann::ordered_json;
using Names = std::vector<std::string>;

namespace {

json named(const json& entries, const std::string& name) {
  const auto found =
      std::find_if(entries.begin(), entries.end(), [&](const json& each) { return each["name"] == name; });
  REQUIRE(found != entries.end());
  return *found;
}

Names names_of(const json& entries) {
  Names names;
  for (const json& entry : entries) names.push_back(entry["name"]);
  return names;
}

// The shipped scenarios, and an empty folder of runs.
struct Shipped {
  ScratchFolder folder;
  RunsFolder runs{folder.path("")};
  ScenarioList list;

  json scenario(const std::string& name) { return named(list.to_json(runs), name); }
  json variant(const std::string& name, const std::string& variant) {
    return named(scenario(name)["variants"], variant);
  }
};

const char* small_scenario = R"({"name": "NAME", "question": "How many?", "upstream": {"plan": "down"},
  "load": {"rate": 10, "duration_ms": 1000},
  "expect": {"redis": [{"measure": "opened", "at_least": 1, "because": "so"}]}})";

}  // namespace

TEST_CASE("chapters come in the file's order, and scenarios without one follow, sorted") {
  const ScratchFolder folder;
  folder.file("chapters.txt", "Second things first: two  no-such\n\nno title\n: also none\nThen: one two\n");
  const std::vector<Chapter> chapters = in_chapters(chapters_in(folder.path("")), {"four", "one", "three", "two"});
  REQUIRE(chapters.size() == 3);
  CHECK(chapters[0].title == "Second things first");
  CHECK(chapters[0].scenarios == Names{"two"});
  CHECK(chapters[1].title == "Then");
  CHECK(chapters[1].scenarios == Names{"one"});
  CHECK(chapters[2].title.empty());
  CHECK(chapters[2].scenarios == Names{"four", "three"});
}

TEST_CASE("a folder without chapters has all its scenarios, sorted, but for those that are not valid") {
  const ScratchFolder folder;
  const ScratchFolder none;
  const std::string text = small_scenario;
  folder.file("b.json", std::string(text).replace(text.find("NAME"), 4, "b"));
  folder.file("a.json", std::string(text).replace(text.find("NAME"), 4, "a"));
  folder.file("wrong.json", "{}");
  RunsFolder runs(none.path(""));
  const json scenarios = ScenarioList(folder.path("")).to_json(runs);
  CHECK(names_of(scenarios) == Names{"a", "b"});
  CHECK(scenarios[0]["chapter"] == "");
}

TEST_CASE("a scenario file that is not valid is left out of the list and logged once, and other files are not read") {
  const ScratchFolder folder;
  std::filesystem::copy_file(scenario_path("outage"), folder.path("outage.json"));
  for (const char* file : {"broken.json", ".hidden.json", "outage.json~", "notes.txt"}) folder.file(file, "{");
  std::filesystem::create_directory(folder.path("folder.json"));
  CHECK(scenarios_in(folder.path("")) == std::vector<std::string>{"broken", "outage"});
  std::ostringstream log;
  const auto before = spdlog::default_logger();
  spdlog::set_default_logger(
      std::make_shared<spdlog::logger>("test", std::make_shared<spdlog::sinks::ostream_sink_mt>(log)));
  const ScratchFolder none;
  RunsFolder runs(none.path(""));
  ScenarioList list(folder.path(""));
  for (int i = 0; i < 2; ++i) {
    const json scenarios = list.to_json(runs);
    REQUIRE(scenarios.size() == 1);
    CHECK(scenarios[0]["name"] == "outage");
  }
  spdlog::set_default_logger(before);
  const std::string logged = log.str();
  CHECK(has(logged, "broken.json"));
  CHECK(std::count(logged.begin(), logged.end(), '\n') == 1);
}

TEST_CASE_FIXTURE(Shipped, "every shipped scenario has a chapter, and their order is that of the README's table") {
  const json scenarios = list.to_json(runs);
  CHECK(scenarios.size() == shipped_scenarios().size());
  for (const json& scenario : scenarios) CHECK_FALSE(scenario["chapter"].get<std::string>().empty());
  std::ifstream file(scenarios_folder() + "/../README.md");
  const std::string readme{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  size_t at = readme.find("| scenario | what it shows |");
  REQUIRE(at != std::string::npos);
  for (const std::string& name : names_of(scenarios)) {
    CAPTURE(name);
    const size_t next = readme.find("`" + name + "`", at);
    REQUIRE(next != std::string::npos);
    CHECK(readme.substr(at, next - at).find("\n\n") == std::string::npos);  // still in the table
    at = next;
  }
}

TEST_CASE_FIXTURE(Shipped, "a scenario has its givens, and each variant its settings and expectations") {
  const json outage = scenario("outage-10");
  CHECK(outage["instances"] == 10);
  CHECK(outage["rate"] == 50);
  CHECK(outage["duration_ms"] == 4500);
  CHECK(outage["plan"] == "healthy 1s, down");
  CHECK(outage["burst"] == 1);
  CHECK_FALSE(outage.contains("spread"));
  CHECK(names_of(outage["variants"]) == Names{"simple", "distributed", "redis"});
  const json redis = variant("outage-10", "redis");
  CHECK(redis["stage"] == "redis");
  CHECK(redis["run"] == "outage-10-redis");
  CHECK(redis["breaker"] == json{{"failure_threshold", "5"}, {"recovery_timeout", "1m"}});
  CHECK(redis["faults"].empty());
  CHECK(redis["override"] == "");
  CHECK(redis["expectations"][1]["measure"] == "upstream_failures");
  CHECK(redis["expectations"][1]["expected"] == "5 to 14");
  CHECK(redis["expectations"][1]["at_least"] == 5);
  CHECK(redis["expectations"][1]["at_most"] == 14);
  CHECK(scenario("bad-instance")["spread"] == "random");
  CHECK(scenario("race")["burst"] == 10);
  CHECK(scenario("thundering-probes")["redis_timeout_ms"] == 1000);
  CHECK(variant("bulkhead", "distributed-bulkhead")["instance"]["max_concurrent_calls"] == "5");
  CHECK(variant("metrics-only", "redis")["override"] == "metrics_only");
}

TEST_CASE_FIXTURE(Shipped, "a variant has the faults that its stage can have, with their times") {
  CHECK(variant("redis-down", "redis")["faults"] ==
        json::parse(R"([{"at_ms": 2000, "redis": "killed"}, {"at_ms": 5500, "redis": "restarted, empty"}])"));
  CHECK(variant("redis-down", "distributed")["faults"].empty());
  CHECK(variant("failover", "redis-planned")["faults"] ==
        json::parse(R"([{"at_ms": 2000, "redis": "planned failover"}])"));
  CHECK(variant("bad-instance", "distributed")["faults"] == json::parse(R"([{"cut_off": "Instance-B"}])"));
  CHECK(variant("prober-death", "naive")["faults"] == json::parse(R"([{"kill_prober_after_ms": 700}])"));
}

TEST_CASE_FIXTURE(Shipped,
                  "a variant that was played has the number of expectations that held, until its run changes") {
  CHECK(variant("outage", "redis")["played"].is_null());
  Run run;
  run.targets = {{"Instance-A", "http://a"}};
  run.samples = {{{Offset(0), State::closed}}};
  const Expectation any{"opened", 0, 100, "so"};
  const Expectation wrong{"opened", 90, 100, "so"};
  const auto write = [&](std::vector<Expectation> expectations) {
    write_run_file(folder.path("outage-redis.json"),
                   finish(run, {"outage", "redis", "?", {}, std::move(expectations)}));
  };
  write({any, wrong});
  CHECK(variant("outage", "redis")["played"] == json{{"held", 1}, {"expected", 2}});
  write({any});
  CHECK(variant("outage", "redis")["played"] == json{{"held", 1}, {"expected", 1}});
  folder.file("outage-redis.json", "no run");
  CHECK(variant("outage", "redis")["played"].is_null());
}
