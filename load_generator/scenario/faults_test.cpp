#include "load_generator/scenario/faults.hpp"

#include <doctest/doctest.h>

#include <stdexcept>

#include "load_generator/scenario/scenario.hpp"
#include "load_generator/tests/scratch_file.hpp"

using namespace load;
using std::chrono::milliseconds;

namespace {

// The faults in a file's list, for Instance-A and Instance-B, and a load of 10 s.
Faults faults_in(const std::string& list) {
  const auto json = nlohmann::ordered_json::parse(R"({"faults":)" + list + "}");
  StrictObject document(json, "x.json");
  return read_faults(document, {2, milliseconds(10'000)});
}

std::string complaint(const std::string& list) {
  try {
    faults_in(list);
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "nothing";
}

}  // namespace

TEST_CASE("process faults are read") {
  const Faults faults = faults_in(R"([{"unreachable_upstream":"Instance-B"},{"kill_prober_after_ms":900}])");
  CHECK(faults.cut_off == 1);
  CHECK(faults.kill_prober_after == milliseconds(900));
  CHECK(faults.redis.empty());
}

TEST_CASE("faults of Redis are read, in order of time") {
  const Faults faults =
      faults_in(R"([{"at_ms":0,"redis":"flush"},{"at_ms":10,"redis":"stop"},{"at_ms":10,"redis":"continue"},
                                 {"at_ms":2000,"redis":"kill"},{"at_ms":5000,"redis":"restart"}])");
  REQUIRE(faults.redis.size() == 5);
  const std::vector<RedisFault> expected{RedisFault::flush, RedisFault::stop, RedisFault::resume, RedisFault::kill,
                                         RedisFault::restart};
  for (size_t i = 0; i < expected.size(); ++i) CHECK(faults.redis[i].what == expected[i]);
  CHECK(faults.redis[0].at == milliseconds(0));
  CHECK(faults.redis[4].at == milliseconds(5000));
  CHECK(to_text(faults.redis[3].what) == "killed");
}

TEST_CASE("an invalid fault of Redis is one line that names it") {
  const auto refused = [](const std::string& list, const std::string& expected) {
    const std::string said = complaint(list);
    CHECK_MESSAGE(said.find("x.json: faults" + expected) == 0, said);
  };
  refused(R"([{"at_ms":5,"redis":"melt"}])",
          "[0].redis is \"melt\"; it must be one of kill, restart, stop, continue, flush, "
          "kill_master, fail_over");
  refused(R"([{"at_ms":-1,"redis":"kill"}])", "[0].at_ms is -1; it must be a whole number from 0");
  refused(R"([{"redis":"kill"}])", "[0].at_ms is missing");
  refused(R"([{"at_ms":5}])", "[0].kill_prober_after_ms is missing");
  refused(R"([{"at_ms":5,"redis":"kill","instance":"Instance-A"}])", "[0].instance is not a known field");
  refused(R"([{"at_ms":5,"redis":"flush"},{"at_ms":4,"redis":"kill"}])", "[1].at_ms is 4; it must be at or after");
  refused(R"([{"at_ms":5,"redis":"kill"},{"at_ms":6,"redis":"flush"}])",
          "[1].redis is \"flush\"; it must be for a Redis");
  refused(R"([{"at_ms":5,"redis":"stop"},{"at_ms":6,"redis":"stop"}])",
          "[1].redis is \"stop\"; it must be for a Redis");
  refused(R"([{"at_ms":5,"redis":"continue"}])", "[0].redis is \"continue\"; it must be for a Redis that is stopped");
}

TEST_CASE("a failover needs Sentinels, and is the only fault of Redis in its list") {
  CHECK(need_sentinels(faults_in(R"([{"at_ms":5,"redis":"kill_master"}])").redis));
  CHECK(need_sentinels(faults_in(R"([{"at_ms":5,"redis":"fail_over"},{"kill_prober_after_ms":900}])").redis));
  CHECK_FALSE(need_sentinels(faults_in(R"([{"at_ms":5,"redis":"kill"}])").redis));
  CHECK_FALSE(need_sentinels({}));
  const std::string only_fault = "must be the only fault of Redis, if one is a failover";
  CHECK(complaint(R"([{"at_ms":5,"redis":"flush"},{"at_ms":6,"redis":"fail_over"}])").find(only_fault) !=
        std::string::npos);
  CHECK(complaint(R"([{"at_ms":5,"redis":"kill_master"},{"at_ms":6,"redis":"kill_master"}])").find(only_fault) !=
        std::string::npos);
}

TEST_CASE("a list of more than twenty faults is refused") {
  std::string list;
  for (int i = 0; i < 21; ++i) list += std::string(i == 0 ? "[" : ",") + R"({"at_ms":1,"redis":"flush"})";
  CHECK(complaint(list + "]").find("faults is ") != std::string::npos);
}

TEST_CASE("a variant's faults replace the scenario's") {
  const ScratchFolder folder;
  const Scenario scenario = read_scenario(folder.file("flush.json", R"({"name":"flush","question":"What then?",
    "upstream":{"plan":"down"},"load":{"rate":50,"duration_ms":1000},"breaker":{},
    "faults":[{"kill_prober_after_ms":900},{"at_ms":20,"redis":"flush"}],
    "variants":{"redis-killed":{"stage":"redis","faults":[{"at_ms":10,"redis":"kill_master"}]}},
    "expect":{"redis":[],"redis-killed":[]}})"));
  CHECK(scenario.variants.at(0).faults.redis.at(0).what == RedisFault::flush);
  CHECK(scenario.variants.at(0).faults.kill_prober_after == milliseconds(900));
  CHECK(scenario.variants.at(1).faults.redis.at(0).what == RedisFault::kill_master);
  CHECK(scenario.variants.at(1).watched_by_sentinels);
  CHECK_FALSE(scenario.variants.at(0).watched_by_sentinels);
  CHECK_FALSE(scenario.variants.at(1).faults.kill_prober_after);
}

TEST_CASE("of a variant's faults, those that its stage cannot have are left out") {
  Variant variant;
  variant.faults = {1, milliseconds(900), {{milliseconds(20), RedisFault::flush}}};
  const auto kinds = [&](Stage stage) {
    variant.stage = stage;
    return to_json(effective_faults(variant)).size();
  };
  CHECK(kinds(Stage::simple) == 0);
  CHECK(kinds(Stage::distributed) == 2);
  CHECK(kinds(Stage::redis) == 3);
  CHECK(kinds(Stage::naive) == 3);
}

TEST_CASE("stage simple ignores faults of Redis") {
  const ScratchFolder folder;
  const Scenario scenario = read_scenario(folder.file("flush.json", R"({"name":"flush","question":"What then?",
    "upstream":{"plan":"down"},"load":{"rate":50,"duration_ms":300},"breaker":{},
    "faults":[{"at_ms":20,"redis":"flush"}],"expect":{"simple":[]}})"));
  CHECK(scenario.variants.at(0).faults.redis.size() == 1);
}
