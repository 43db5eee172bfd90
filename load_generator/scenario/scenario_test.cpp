#include "load_generator/scenario/scenario.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "load_generator/experiment/experiment.hpp"
#include "load_generator/experiment/simple_stage.hpp"
#include "load_generator/fleet/proxies.hpp"
#include "load_generator/tests/scratch_file.hpp"

using namespace load;
using json = nlohmann::ordered_json;
using std::chrono::milliseconds;

namespace {

json good() {
  return json::parse(R"({
    "name": "outage", "question": "How many?", "instances": 10,
    "upstream": {"plan": "down", "seed": 3},
    "load": {"rate": 50, "duration_ms": 6000, "arrivals": "poisson", "spread": "random", "burst": 2, "seed": 4},
    "breaker": {"failure_threshold": 5, "recovery_timeout_ms": 60000, "probe_timeout_ms": 3000},
    "instance": {"max_attempts": 4},
    "call_timeout_ms": 700, "redis_timeout_ms": 800,
    "faults": [{"unreachable_upstream": "Instance-B"}, {"kill_prober_after_ms": 900}],
    "expect": {"redis": [{"measure": "opened", "at_least": 1, "at_most": 2, "because": "arithmetic"}],
               "naive": [], "distributed-calm": []},
    "variants": {"distributed-calm": {"stage": "distributed", "breaker": {"failure_threshold": 9},
                                      "instance": {"retry_budget": 0.1}}}
  })");
}

Scenario read(const json& document) {
  const ScratchFolder folder;
  return read_scenario(folder.file("scenario.json", document.dump()));
}

// The error message for a file with `value` at `pointer`; null removes the field.
std::string complaint(const std::string& pointer, const json& value) {
  json document = good();
  const json::json_pointer place(pointer);
  if (value.is_null()) {
    document.at(place.parent_pointer()).erase(place.back());
  } else {
    document[place] = value;
  }
  try {
    read(document);
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "nothing";
}

}  // namespace

TEST_CASE("a scenario file is read, field by field") {
  const Scenario scenario = read(good());
  CHECK(scenario.name == "outage");
  CHECK(scenario.instances == 10);
  CHECK(scenario.plan == "down");
  CHECK(scenario.upstream_seed == 3);
  CHECK(scenario.load.rate == 50);
  CHECK(scenario.load.duration == milliseconds(6000));
  CHECK(scenario.load.arrivals == Arrivals::poisson);
  CHECK(scenario.load.spread == Spread::random);
  CHECK(scenario.load.burst == 2);
  CHECK(scenario.call_timeout == milliseconds(700));
  CHECK(scenario.redis_timeout == milliseconds(800));
}

TEST_CASE("a scenario is played against the stages and variants with expectations, in the file's order") {
  const Scenario scenario = read(good());
  REQUIRE(scenario.variants.size() == 3);
  CHECK(scenario.variants[0].name == "redis");
  CHECK(scenario.variants[1].name == "naive");
  CHECK(scenario.variants[2].name == "distributed-calm");
  CHECK(scenario.variants[0].stage == Stage::redis);
  CHECK(scenario.variants[2].stage == Stage::distributed);
  CHECK(scenario.variants[0].expectations.at(0).at_most == 2);
  CHECK(scenario.variants[1].expectations.empty());
}

TEST_CASE("a variant's settings change the scenario's") {
  const Scenario scenario = read(good());
  const Variant& stage = scenario.variants.at(0);
  const Variant& variant = scenario.variants.at(2);
  CHECK(stage.breaker == Settings{{"failure_threshold", "5"}, {"recovery_timeout", "1m"}, {"probe_timeout", "3s"}});
  CHECK(variant.breaker == Settings{{"failure_threshold", "9"}, {"recovery_timeout", "1m"}, {"probe_timeout", "3s"}});
  CHECK(stage.instance == Settings{{"max_attempts", "4"}});
  CHECK(variant.instance == Settings{{"max_attempts", "4"}, {"retry_budget", "0.1"}});
}

TEST_CASE("an override is the scenario's, or the variant's instead") {
  json document = good();
  document["override"] = {{"mode", "disabled"}, {"actor", "scenario"}, {"reason", "out of the way"}};
  document["variants"]["distributed-calm"]["override"] = {{"mode", "metrics_only"}, {"actor", "me"}, {"reason", "why"}};
  const Scenario scenario = read(document);
  REQUIRE(scenario.variants.at(0).manual_override);
  CHECK(scenario.variants[0].manual_override->mode == "disabled");
  CHECK(scenario.variants[0].manual_override->reason == "out of the way");
  REQUIRE(scenario.variants.at(2).manual_override);
  CHECK(scenario.variants[2].manual_override->mode == "metrics_only");
  CHECK_FALSE(read(good()).variants.at(0).manual_override);
}

TEST_CASE("an override must be complete, and its stages need HTTP") {
  const json whole = {{"mode", "disabled"}, {"actor", "scenario"}, {"reason", "out of the way"}};
  json without_actor = whole;
  without_actor.erase("actor");
  CHECK(complaint("/override", without_actor).find("override.actor is missing") != std::string::npos);
  json longer = whole;
  longer["until"] = "tomorrow";
  CHECK(complaint("/override", longer).find("override.until is not a known field") != std::string::npos);
  json document = good();
  document.erase("faults");
  document["override"] = whole;
  document["expect"]["simple"] = json::array();
  CHECK_THROWS_WITH_AS(read(document), doctest::Contains("it must be absent: stage simple"), std::invalid_argument);
}

TEST_CASE("an error in a scenario file is one line that names file and field") {
  struct Case {
    const char* pointer;
    json value;
    const char* complaint;
  };
  const std::vector<Case> cases{
      {"/name", nullptr, "name is missing"},
      {"/name", "../../etc/passwd", "without a slash"},
      {"/name", 7, "name is 7; it must be a text"},
      {"/question", "", "question"},
      {"/instances", 0, "instances is 0; it must be a whole number from 1 to 26"},
      {"/instances", 27, "instances"},
      {"/instances", 2.5, "instances is 2.5"},
      {"/instances", 18446744073709551615ULL, "instances"},
      {"/upstream", nullptr, "upstream must be an object"},
      {"/upstream", "down", "upstream must be an object"},
      {"/upstream/plan", std::string(1001, 'x'), "upstream.plan"},
      {"/upstream/port", 9000, "upstream.port is not a known field"},
      {"/redis_timeout_ms", 0, "redis_timeout_ms"},
      {"/load/rate", "fast", "load.rate is \"fast\"; it must be a number from 0.1"},
      {"/load/rate", -1, "load.rate"},
      {"/load/rate", 1e300, "load.rate"},
      {"/load/duration_ms", 0, "load.duration_ms"},
      {"/load/duration_ms", 3'600'000, "nothing"},
      {"/load/arrivals", "often", "load.arrivals is \"often\"; it must be one of uniform, poisson"},
      {"/load/spread", 1, "load.spread"},
      {"/load/burst", 0, "load.burst"},
      {"/load/seed", -1, "load.seed"},
      {"/load/sead", 1, "load.sead is not a known field"},
      {"/breaker", nullptr, "nothing"},
      {"/breaker", 3, "breaker must be an object"},
      {"/breaker/Threshold", 1, "breaker.Threshold"},
      {"/variants", 3, "variants must be an object"},
      {"/variants/Quorum", json::object(), "variants.Quorum is {}; it must be named with up to 40 of a-z 0-9 -"},
      {"/variants/redis", json::object(), "variants.redis is {}; it must be called something else"},
      {"/variants/other", {{"stage", "redis"}}, "it must be in expect too"},
      {"/variants/distributed-calm", nullptr, "expect.distributed-calm is not a known field"},
      {"/variants/distributed-calm/stage", "fastest", "variants.distributed-calm.stage is \"fastest\""},
      {"/variants/distributed-calm/stage", "simple", "faults"},
      {"/variants/distributed-calm/load", 1, "variants.distributed-calm.load is not a known field"},
      {"/variants/distributed-calm/breaker/A", 1, "variants.distributed-calm.breaker.A"},
      {"/instance", 3, "instance must be an object"},
      {"/instance/max_attempts", json::array(), "instance.max_attempts is []"},
      {"/breaker/probe_timeout_ms", true, "breaker.probe_timeout_ms is true"},
      {"/call_timeout_ms", "1s", "call_timeout_ms"},
      {"/faults", 5, "faults is 5; it must be a list"},
      {"/faults/0", 5, "faults[0] must be an object"},
      {"/faults/0/unreachable_upstream", "Instance-K", "faults[0].unreachable_upstream"},
      {"/variants/distributed-calm/faults", 5, "variants.distributed-calm.faults is 5; it must be a list"},
      {"/faults/1/kill_prober_after_ms", -5, "faults[1].kill_prober_after_ms"},
      {"/expect/fastest", json::array(), "expect.fastest is not a known field"},
      {"/expect/redis/0/measure", "happiness", "expect.redis[0].measure"},
      {"/expect/redis/0/at_least", 3, "expect.redis[0].at_least is 3; it must be no more than at_most"},
      {"/expect/redis/0/because", nullptr, "expect.redis[0].because is missing"},
      {"/expect/redis/0/why", "so", "expect.redis[0].why is not a known field"},
      {"/expect/simple", json::array(), "faults"},
  };
  for (const Case& wrong : cases) {
    const std::string said = complaint(wrong.pointer, wrong.value);
    CAPTURE(std::string(wrong.pointer));
    CHECK_MESSAGE(said.find(wrong.complaint) != std::string::npos, said);
    CHECK(said.find('\n') == std::string::npos);
    if (said != "nothing") CHECK(said.find("scenario.json: ") != std::string::npos);
  }
}

TEST_CASE("a fault that is due when the load ends or later is refused by name; one a millisecond earlier is accepted") {
  const auto flush_at = [](int64_t ms) -> json { return {{"at_ms", ms}, {"redis", "flush"}}; };
  const auto refused = [](const std::string& pointer, const json& value, const std::string& expected) {
    const std::string said = complaint(pointer, value);
    CHECK_MESSAGE(said.ends_with("scenario.json: " + expected), said);
  };
  CHECK(complaint("/faults/0", flush_at(5999)) == "nothing");
  refused("/faults/0", flush_at(6000), "faults[0].at_ms is 6000; it must be before the load ends, at 6000 ms");
  CHECK(complaint("/faults/1/kill_prober_after_ms", 5999) == "nothing");
  refused("/faults/1/kill_prober_after_ms", 6001,
          "faults[1].kill_prober_after_ms is 6001; it must be before the load ends, at 6000 ms");
  refused("/variants/distributed-calm/faults", json::array({flush_at(6000)}),
          "variants.distributed-calm.faults[0].at_ms is 6000; it must be before the load ends, at 6000 ms");
}

TEST_CASE("an expectation without a bound is refused") {
  json document = good();
  document["expect"]["redis"][0].erase("at_least");
  document["expect"]["redis"][0].erase("at_most");
  CHECK_THROWS_WITH_AS(read(document), doctest::Contains("expect.redis[0].at_least"), std::invalid_argument);
}

TEST_CASE("more than a million calls are refused") {
  json document = good();
  document["load"]["rate"] = 1000;
  document["load"]["duration_ms"] = 3'600'000;
  CHECK_THROWS_WITH_AS(read(document), doctest::Contains("load.duration_ms"), std::invalid_argument);
}

TEST_CASE("files that are not scenarios are refused") {
  const ScratchFolder folder;
  for (const char* text : {"", "{", "[]", "null", "\xff\xfe", "{\"name\": \"x\"} {}", "{\"name\": NaN}"}) {
    CHECK_THROWS_WITH_AS(read_scenario(folder.file("bad.json", text)), doctest::Contains("bad.json: "),
                         std::invalid_argument);
  }
  CHECK_THROWS_WITH_AS(read_scenario(folder.path("absent.json")), doctest::Contains("cannot be read"),
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(read_scenario(folder.file("deep.json", std::string(100'000, '['))),
                       doctest::Contains("not valid JSON"), std::invalid_argument);
}

TEST_CASE("an error message has no control characters") {
  CHECK(complaint("/load/\033[31m", 1).find('\033') == std::string::npos);
  CHECK(complaint("/load/rate", "\033[31m").find('\033') == std::string::npos);
}

TEST_CASE("every shipped scenario is well-formed, and named after its file") {
  CHECK(shipped_scenarios().size() == 19);
  for (const std::string& name : shipped_scenarios()) CHECK(read_scenario(scenario_path(name)).name == name);
}

TEST_CASE("stage 1's file becomes a run with the same measures") {
  const ScratchFolder folder;
  const std::string path = folder.file("simple.json", R"({"stage":"simple","settings":{},"calls":{},
    "transitions":[
      {"generation":11,"from":"closed","to":"open","cause":"2 consecutive failures","at_ms":5020},
      {"generation":12,"from":"open","to":"half_open","cause":"recovery timeout over","at_ms":5060},
      {"generation":13,"from":"half_open","to":"closed","cause":"1 successful probe","at_ms":5060}],
    "attempts":[
      {"at_ms":5000,"status":"failure","state":"closed","probe":false},
      {"at_ms":5020,"status":"failure","state":"open","probe":false},
      {"at_ms":5040,"status":"blocked","state":"open","probe":false},
      {"at_ms":5060,"status":"success","state":"closed","probe":true},
      {"at_ms":5080,"status":"success","state":"closed","probe":false}]})");
  const Run run = read_simple_file(path);
  const Measures measures = measure(run, timeline(run));
  CHECK(measures.at("upstream_calls") == 4);
  CHECK(measures.at("upstream_failures") == 2);
  CHECK(measures.at("blocked") == 1);
  CHECK(measures.at("probes") == 1);
  CHECK(measures.at("opened") == 1);
  CHECK(measures.at("closed_again") == 1);
  CHECK(measures.at("calls_per_trip") == 2);
  CHECK(measures.at("unexplained") == 0);
  CHECK(run.transitions[0].at == milliseconds(20));
}

TEST_CASE("a variant may have proxies, and then its instances are plain callers") {
  json document = good();
  document["variants"]["distributed-calm"]["proxy"] = {
      {"program", "haproxy"}, {"settings", "observe.cfg"}, {"one_for", "each"}};
  const Scenario scenario = read(document);
  const Variant& variant = *find_variant(scenario, "distributed-calm");
  REQUIRE(variant.proxy);
  CHECK(variant.proxy->program == Proxy::Program::haproxy);
  CHECK(variant.proxy->settings == "observe.cfg");
  CHECK_FALSE(variant.proxy->one_for_all);
  CHECK(variant.manual_override->mode == "disabled");
  CHECK_FALSE(find_variant(scenario, "redis")->proxy);

  const json sidecar{{"program", "sidecar"}, {"one_for", "all"}};
  CHECK(complaint("/variants/distributed-calm/proxy", sidecar) == "nothing");
  document["variants"]["distributed-calm"]["stage"] = "redis";
  CHECK_THROWS_AS(read(document), std::invalid_argument);
  const auto refused = [](json proxy, const std::string& part) {
    CAPTURE(proxy.dump());
    CHECK(complaint("/variants/distributed-calm/proxy", proxy).find(part) != std::string::npos);
  };
  refused({{"program", "apache"}, {"one_for", "all"}}, "proxy.program");
  refused({{"program", "nginx"}, {"one_for", "all"}}, "proxy.settings");
  refused({{"program", "nginx"}, {"settings", "../a.conf"}, {"one_for", "all"}}, "without a slash");
  refused({{"program", "sidecar"}, {"settings", "a.cfg"}, {"one_for", "all"}}, "proxy.settings");
}

TEST_CASE("the scenarios with proxies are in order, and the settings that they name exist") {
  for (const char* name : {"peers/outage-10", "peers/recovery"}) {
    const Scenario scenario = read_scenario(scenario_path(name));
    for (const Variant& variant : scenario.variants) {
      if (variant.stage == Stage::store) continue;  // it needs none
      REQUIRE(variant.proxy);
      const auto settings = std::filesystem::path(scenario.file).parent_path() / variant.proxy->settings;
      CHECK(std::filesystem::exists(settings));
    }
  }
}

TEST_CASE("a program that is not installed is one line") {
  Variant variant;
  variant.name = "haproxy-each";
  CHECK(missing_program(variant, "/nowhere").empty());
  variant.proxy.emplace().program = Proxy::Program::haproxy;
  CHECK(missing_program(variant, "/nowhere::/nothing") ==
        "haproxy is not installed, so haproxy-each is skipped; scripts/dev/setup.sh --peers installs it");
  variant.proxy->program = Proxy::Program::sidecar;
  CHECK(missing_program(variant, "/nowhere").empty());
}
