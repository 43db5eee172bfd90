#include "load_generator/report/run_document.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <functional>
#include <random>
#include <stdexcept>

#include "load_generator/report/run_file.hpp"
#include "load_generator/scenario/provenance.hpp"
#include "load_generator/tests/scratch_file.hpp"
#include "load_generator/tests/seen_for_test.hpp"

using namespace load;
using std::chrono::milliseconds;
using json = nlohmann::ordered_json;

namespace {

const Summary summary{"outage", "redis", "How many?", {{"opened", 3}}, {{"opened", 1, 1, "one breaker"}}};

Run eventful_run() {
  Run run;
  run.targets = {{"Instance-A", ""}, {"<script>\n\"", ""}};
  run.samples = {{{Offset(0), State::closed}},
                 {{milliseconds(1), State::closed}, {milliseconds(90), State::open, true}}};
  run.transitions = {{0, 7, State::closed, State::open, "</script>", milliseconds(-1)},
                     {0, 8, State::open, State::closed, "", milliseconds(50)}};
  run.length = milliseconds(450);
  run.calls.resize(2);
  run.calls[0].status = CallStatus::failure;
  run.calls[0].upstream_calls = 1;
  run.calls[1] = run.calls[0];
  run.calls[1].intended = milliseconds(300);
  run.calls[1].probe = true;
  run.ledger = Ledger{{"Instance-A", {2, 0, 2, 0, 0}}};
  return run;
}

FinishedRun finished(const Run& run, const Summary& its_summary = summary) {
  FinishedRun finished{run, timeline(run), its_summary};
  finished.settings = {
      2, 50, "down", {{"failure_threshold", "5"}, {"recovery_timeout", "1.5s"}, {"fallback", "fixed"}}};
  finished.played = {World::real, "2026-11-27T00:00:00Z", "2 cores, Linux 6.1 x86_64", "load_generator", "0.1.0"};
  return finished;
}

class Written {
 public:
  explicit Written(const Run& run, const Summary& its_summary = summary) {
    write_run_file(path, finished(run, its_summary));
  }
  json document() const { return run_document(path); }

  // The error message for the changed file.
  std::string refusal(const std::function<void(json&)>& change) const {
    json changed = read_json_file(path);
    change(changed);
    const std::string other = folder_.file("changed.json", changed.dump());
    try {
      run_document(other);
      return "accepted";
    } catch (const std::invalid_argument& error) {
      const std::string line = error.what();
      return line.substr(line.find("changed.json") + 12);
    }
  }

 private:
  ScratchFolder folder_;

 public:
  const std::string path = folder_.path("run.json");
};

}  // namespace

TEST_CASE("a run's document is its file, and says of each prediction whether it held") {
  const Written run(eventful_run());
  const json document = run.document();
  json file = read_json_file(run.path);
  file["expectations"][0]["expected"] = "exactly 1";
  file["expectations"][0]["held"] = false;
  CHECK(document == file);
  CHECK(document["instances"] == json{"Instance-A", "<script>\n\""});
  CHECK(document["length_ms"] == 450.0);
  CHECK(document["shared_breaker"] == false);
  CHECK(document["states"]["Instance-A"].size() == 2);
  CHECK(document["states"]["<script>\n\""][1]["store"] == "local");
  CHECK(document["marks"].size() == 2);
  CHECK(document["marks"][1]["probe"] == true);
  CHECK(document["traffic"]["step_ms"] == 200.0);
  CHECK(document["traffic"]["upstream_failures"] == json{1, 1, 0});
  CHECK(document["ledger"]["Instance-A"]["failure"] == 2);
}

TEST_CASE("a run's file has its calls, with the time when each was sent and how long it took from then") {
  Run run = eventful_run();
  run.calls[1].sent_late = milliseconds(2);
  run.calls[1].latency = milliseconds(5);
  run.calls[1].late = true;
  std::swap(run.calls[0], run.calls[1]);
  const json calls = Written(run).document()["calls"];
  CHECK(calls.dump() ==
        R"([{"at_ms_since_start":0.0,"took_ms":0.0,"instance":"Instance-A","status":"failure","upstream_calls":1},)"
        R"({"at_ms_since_start":302.0,"took_ms":3.0,"instance":"Instance-A","status":"failure","upstream_calls":1,)"
        R"("probe":true,"late":true}])");
}

TEST_CASE("a run of up to 2,000 calls has all in its file, one of a fleet too large to list them none") {
  Run run = eventful_run();
  run.calls.resize(2000);
  CHECK(Written(run).document()["calls"].size() == 2000);
  CHECK_FALSE(Written(run).document().contains("some_calls"));
  run.calls.resize(3);
  run.unlisted[0] = 1;
  for (const char* field : {"calls", "some_calls"}) CHECK_FALSE(Written(run).document().contains(field));
}

namespace {

// A call a millisecond; those from `fault` on fail.
Run long_run(int calls, int fault) {
  Run run = eventful_run();
  run.calls.clear();
  for (int i = 0; i < calls; ++i) {
    Call call;
    call.intended = milliseconds(i);
    call.status = i < fault ? CallStatus::success : CallStatus::failure;
    run.calls.push_back(call);
  }
  return run;
}

json some_calls(int calls, int fault) {
  const json document = Written(long_run(calls, fault)).document();
  CHECK_FALSE(document.contains("calls"));
  CHECK(document["some_calls"]["calls"].size() == 2000);
  return document["some_calls"];
}

}  // namespace

TEST_CASE("a longer run's file has 2,000 calls from 200 ms before the first failure on, and counts the earlier ones") {
  const json around = some_calls(5000, 1000);
  CHECK(around["from_ms"] == 800.0);
  CHECK(around["to_ms"] == 2799.0);
  CHECK(around["earlier"]["success"] == 800);
  CHECK(around["earlier"]["failure"] == 0);
  CHECK(around["calls"][0]["at_ms_since_start"] == 800.0);
  CHECK(some_calls(2001, 100)["from_ms"] == 0.0);
  CHECK(some_calls(5000, 4900)["earlier"]["success"] == 3000);  // the last 2,000
  CHECK(some_calls(2001, 9999)["to_ms"] == 1999.0);             // none failed
}

TEST_CASE("a run's file says with which settings it was played, as a scenario's file names them, and where") {
  const json document = Written(eventful_run()).document();
  CHECK(document["settings"] == json{{"instances", 2},
                                     {"rate", 50},
                                     {"plan", "down"},
                                     {"failure_threshold", 5},
                                     {"fallback", "fixed"},
                                     {"recovery_timeout_ms", 1500}});
  CHECK(document["played"].dump() ==
        R"({"at":"2026-11-27T00:00:00Z","world":"real","version":"0.1.0","machine":"2 cores, Linux 6.1 x86_64",)"
        R"("command":"load_generator"})");
}

TEST_CASE("a run's file says what was done to its processes and breakers") {
  FinishedRun run = finished(eventful_run());
  run.settings->faults = {1, milliseconds(900), {{milliseconds(20), RedisFault::flush}}};
  run.settings->override_mode = "metrics_only";
  const ScratchFolder folder;
  write_run_file(folder.path("run.json"), run);
  const json document = run_document(folder.path("run.json"));
  CHECK(document["faults"] == json::parse(R"([{"cut_off":"Instance-B"},{"kill_prober_after_ms":900},
                                              {"at_ms":20,"redis":"flushed"}])"));
  CHECK(document["settings"]["override"] == "metrics_only");
  run.settings.reset();
  write_run_file(folder.path("run.json"), run);
  CHECK_FALSE(run_document(folder.path("run.json")).contains("faults"));
}

TEST_CASE("the time, the machine and the version of a run that is played now are those of this program") {
  ScratchFolder folder;
  FinishedRun run = finished(eventful_run());
  run.played = played_now(World::real, "");
  write_run_file(folder.path("run.json"), run);
  const json played = run_document(folder.path("run.json"))["played"];
  CHECK(has(played["machine"], " cores, Linux "));
  CHECK_FALSE(played["version"].get<std::string>().empty());
  CHECK(played["at"].get<std::string>() > "2026-01-01");
  CHECK_FALSE(played.contains("command"));
  CHECK(to_json(played_in_virtual_time("simulate")).dump() ==
        R"({"world":"simulated","version":)" + played["version"].dump() + R"(,"command":"simulate"})");
}

TEST_CASE("a file from before calls, settings and origin were kept is still valid") {
  const Written run(eventful_run());
  CHECK(run.refusal([](json& file) {
    for (const char* field : {"calls", "settings", "played"}) file.erase(field);
  }) == "accepted");
}

TEST_CASE("a run without a file has the same document, and a large one its figures only") {
  Run run = eventful_run();
  CHECK(run_document(finished(run)) == Written(run).document());
  run.calls.resize(2001);
  const json large = run_document(finished(run));
  CHECK(large == json{{"name", "outage"},
                      {"variant", "redis"},
                      {"length_ms", 450.0},
                      {"shared_breaker", false},
                      {"measures", {{"opened", 3}}},
                      {"expectations", Written(run).document()["expectations"]}});
  run.calls.clear();
  for (int i = 0; i < 25; ++i) run.targets.push_back({std::to_string(i), ""});
  CHECK_FALSE(run_document(finished(run)).contains("states"));
}

TEST_CASE("a run's document has no marks that change the direction of text") {
  Run run = eventful_run();
  run.targets[1].name = "\xe2\x80\xaeInstance-B";
  run.transitions[0] = {1, 7, State::closed, State::open, "because\xe2\x81\xa6", milliseconds(-1)};
  const json document = Written(run).document();
  CHECK(document["instances"][1] == "Instance-B");
  CHECK(document["states"]["Instance-B"].size() == 2);
  CHECK(document["transitions"][0]["instance"] == "Instance-B");
  CHECK(document["transitions"][0]["cause"] == "because");
}

TEST_CASE("an object of very many fields is refused before it is read") {
  std::string text = R"({"measures":{"0":0)";
  for (int i = 1; i <= 2000; ++i) text += ",\"" + std::to_string(i) + "\":0";
  const ScratchFolder folder;
  CHECK_THROWS_WITH_AS(run_document(folder.file("run.json", text + "}, and what follows is not read")),
                       doctest::Contains(": an object in it has more than 2000 fields"), std::invalid_argument);
}

TEST_CASE("a long run's traffic is counted by the second") {
  Run run = eventful_run();
  run.length = milliseconds(60'000);
  CHECK(Written(run).document()["traffic"]["step_ms"] == 200.0);
  run.length = milliseconds(60'001);
  CHECK(Written(run).document()["traffic"]["step_ms"] == 1000.0);
  CHECK(Written(run).document()["traffic"]["blocked"].size() == 61);
}

TEST_CASE("a run without a ledger has a document, and one without instances too") {
  Run run = eventful_run();
  run.ledger.reset();
  CHECK_FALSE(Written(run).document().contains("ledger"));
  CHECK(Written(Run()).document()["instances"].empty());
}

TEST_CASE("a file without a timeline is refused with a reason") {
  const Written run(eventful_run());
  for (const char* field : {"instances", "shared_breaker", "marks", "traffic"}) {
    CHECK(run.refusal([&](json& file) { file.erase(field); }) == " has no timeline; run it again");
  }
  const ScratchFolder folder;
  CHECK_THROWS_WITH_AS(run_document(folder.path("none.json")), doctest::Contains("none.json: cannot be read"),
                       std::invalid_argument);
}

TEST_CASE("unknown fields are not passed on") {
  const Written run(eventful_run());
  json file = read_json_file(run.path);
  file["extra"] = file["marks"][0]["extra"] = file["transitions"][0]["extra"] = "<script>";
  const ScratchFolder folder;
  CHECK(run_document(folder.file("run.json", file.dump())) == run.document());
}

TEST_CASE("a file that was tampered with is refused by its field") {
  const Written run(eventful_run());
  const auto refused = [&](const std::string& complaint, const std::function<void(json&)>& change) {
    const std::string refusal = run.refusal(change);
    CHECK_MESSAGE(has(refusal, complaint), refusal);
    CHECK(refusal.find('\n') == std::string::npos);
    CHECK(refusal.size() < 1000);
  };
  refused("it must be a list of at most 26", [](json& file) { file["instances"] = json(27, "a"); });
  refused("texts of at most 400 bytes", [](json& file) { file["instances"][0] = std::string(401, 'a'); });
  refused("it must be names without duplicates", [](json& file) { file["instances"][0] = file["instances"][1]; });
  refused("instances is 3", [](json& file) { file["instances"] = 3; });
  refused("length_ms is -1", [](json& file) { file["length_ms"] = -1; });
  refused("length_ms is 1e+300", [](json& file) { file["length_ms"] = 1e300; });
  refused("shared_breaker is \"yes\"", [](json& file) { file["shared_breaker"] = "yes"; });
  refused("transitions[0].instance is \"B\"", [](json& file) { file["transitions"][0]["instance"] = "B"; });
  refused("transitions[1].at_ms_since_start is -2.0; it must be at or after",
          [](json& file) { file["transitions"][1]["at_ms_since_start"] = -2.0; });
  refused("transitions[0].at_ms_since_start is -60001",
          [](json& file) { file["transitions"][0]["at_ms_since_start"] = -60001; });
  refused("transitions[0].to is \"banana\"", [](json& file) { file["transitions"][0]["to"] = "banana"; });
  refused("transitions[0].generation is -1", [](json& file) { file["transitions"][0]["generation"] = -1; });
  refused("transitions[0].cause is \"xxx",
          [](json& file) { file["transitions"][0]["cause"] = std::string(1001, 'x'); });
  refused("it must be a list of at most 200000", [](json& file) { file["transitions"] = json(200'001, nullptr); });
  refused("states.Instance-A is missing", [](json& file) { file["states"].erase("Instance-A"); });
  refused("states.Instance-C is not a known field", [](json& file) { file["states"]["Instance-C"] = json::array(); });
  refused("states.Instance-A[0].state is \"ajar\"",
          [](json& file) { file["states"]["Instance-A"][0]["state"] = "ajar"; });
  refused("states.<script> \"[1].store is \"moon\"",
          [](json& file) { file["states"]["<script>\n\""][1]["store"] = "moon"; });
  refused("states.Instance-A[0].at_ms_since_start is [[]]",
          [](json& file) { file["states"]["Instance-A"][0]["at_ms_since_start"] = json::array({json::array()}); });
  refused("marks[0].status is \"fine\"", [](json& file) { file["marks"][0]["status"] = "fine"; });
  refused("marks[1].probe is \"<b>\"", [](json& file) { file["marks"][1]["probe"] = "<b>"; });
  refused("marks[0] must be an object", [](json& file) { file["marks"][0] = 1; });
  refused("it must be a list of at most 2000", [](json& file) { file["calls"] = json(2001, nullptr); });
  refused("calls is 7", [](json& file) { file["calls"] = 7; });
  refused("calls[0] must be an object", [](json& file) { file["calls"][0] = 1; });
  refused("calls[1].at_ms_since_start is -1", [](json& file) { file["calls"][1]["at_ms_since_start"] = -1; });
  refused("calls[0].at_ms_since_start is \"0\"", [](json& file) { file["calls"][0]["at_ms_since_start"] = "0"; });
  refused("calls[0].took_ms is -1", [](json& file) { file["calls"][0]["took_ms"] = -1; });
  refused("calls[0].took_ms is missing", [](json& file) { file["calls"][0].erase("took_ms"); });
  refused("calls[0].instance is \"B\"", [](json& file) { file["calls"][0]["instance"] = "B"; });
  refused("calls[0].status is \"fine\"", [](json& file) { file["calls"][0]["status"] = "fine"; });
  refused("calls[0].upstream_calls is -1", [](json& file) { file["calls"][0]["upstream_calls"] = -1; });
  refused("calls[1].probe is 1", [](json& file) { file["calls"][1]["probe"] = 1; });
  refused("calls[0].late is \"yes\"", [](json& file) { file["calls"][0]["late"] = "yes"; });
  refused("settings must be an object", [](json& file) { file["settings"] = 1; });
  refused("settings.instances is 0", [](json& file) { file["settings"]["instances"] = 0; });
  refused("settings.rate is missing", [](json& file) { file["settings"].erase("rate"); });
  refused("settings.plan is \"\"", [](json& file) { file["settings"]["plan"] = ""; });
  refused("settings.<b> is 1; it must be a name", [](json& file) { file["settings"]["<b>"] = 1; });
  refused("settings.recovery_timeout_ms is 1e+300",
          [](json& file) { file["settings"]["recovery_timeout_ms"] = 1e300; });
  refused("settings.fallback is [1]", [](json& file) { file["settings"]["fallback"] = json::array({1}); });
  refused("settings.fallback is \"xxx", [](json& file) { file["settings"]["fallback"] = std::string(401, 'x'); });
  refused("it must be an object of at most 100 fields", [](json& file) {
    for (int i = 0; i < 100; ++i) file["settings"][std::string(i % 50 + 1, 'a') + (i < 50 ? "b" : "c")] = 1;
  });
  const auto with_fault = [](const char* fault) {
    return [fault](json& file) { file["faults"] = json::array({json::parse(fault)}); };
  };
  refused("faults[0].cut_off is 2", with_fault(R"({"cut_off":2})"));
  refused("faults[0].redis is \"eaten\"", with_fault(R"({"at_ms":1,"redis":"eaten"})"));
  refused("faults[0].at_ms is missing", with_fault(R"({"redis":"killed"})"));
  refused("faults[0].by is not a known field", with_fault(R"({"kill_prober_after_ms":1,"by":"hand"})"));
  refused("played must be an object", [](json& file) { file["played"] = "now"; });
  refused("played.at is \"yesterday\"; it must be a time in UTC",
          [](json& file) { file["played"]["at"] = "yesterday"; });
  refused("played.world is \"ideal\"", [](json& file) { file["played"]["world"] = "ideal"; });
  refused("played.version is missing", [](json& file) { file["played"].erase("version"); });
  refused("played.machine is 2", [](json& file) { file["played"]["machine"] = 2; });
  refused("played.command is \"xxx", [](json& file) { file["played"]["command"] = std::string(401, 'x'); });
  refused("traffic.step_ms is 0", [](json& file) { file["traffic"]["step_ms"] = 0; });
  refused("it must be as long as upstream_calls", [](json& file) { file["traffic"]["blocked"].push_back(1); });
  refused("it must be a list of at most 100000 whole numbers", [](json& file) { file["traffic"]["blocked"][0] = -1; });
  refused("traffic.upstream_calls is [1,1", [](json& file) { file["traffic"]["upstream_calls"] = json(100'001, 1); });
  refused("latency_ms.failure.p50 is missing", [](json& file) { file["latency_ms"]["failure"].erase("p50"); });
  refused("ledger.Instance-A.hang is 0.5", [](json& file) { file["ledger"]["Instance-A"]["hang"] = 0.5; });
  refused("it must be an object of at most 1001", [](json& file) {
    for (int i = 0; i < 1002; ++i) file["ledger"][std::to_string(i)] = 0;
  });
  refused("measures.opened is \"x\"", [](json& file) { file["measures"]["opened"] = "x"; });
  refused("expectations[0].measure is \"luck\"", [](json& file) { file["expectations"][0]["measure"] = "luck"; });
}

TEST_CASE("numbers that are too large, and lists that are too deep, are refused in one line") {
  const ScratchFolder folder;
  CHECK_THROWS_WITH_AS(run_document(folder.file("run.json", R"({"name":1e999})")),
                       doctest::Contains("a number in it is too large"), std::invalid_argument);
  const std::string deep = std::string(200'000, '[') + std::string(200'000, ']');
  CHECK_THROWS_WITH_AS(run_document(folder.file("run.json", R"({"name":)" + deep + "}")),
                       doctest::Contains("name is too deep"), std::invalid_argument);
}

namespace {

using Random = std::mt19937_64;  // the same on every machine; distributions are not

size_t any_of(Random& random, size_t count) { return random() % count; }

template <typename Value>
Value one_of(Random& random, const std::vector<Value>& values) {
  return values[any_of(random, values.size())];
}

State any_state(Random& random) { return all_states.at(any_of(random, all_states.size())); }

const std::vector<uint64_t> odd_numbers{0, 1, 7, 1ULL << 53, UINT64_MAX};

// A run of 450 ms, with an override before it, and calls and answers in flight at its end.
const std::vector<Offset> odd_times{
    milliseconds(-59'000), Offset(-2500), Offset(-1),        Offset(0),         Offset(1),
    milliseconds(200),     Offset(333),   milliseconds(750), milliseconds(9999)};

Transition odd_transition(Random& random, size_t targets) {
  const std::string cause = one_of<std::string>(
      random, {"", "</script>", "\"quoted\", \\ and \n", std::string(200, '\xff'), "local: \xf0\x9f\x94"});
  return {any_of(random, targets),
          one_of(random, odd_numbers),
          any_state(random),
          any_state(random),
          cause,
          one_of(random, odd_times),
          random() % 2 == 0};
}

Call odd_call(Random& random, size_t targets) {
  Call call;
  call.target = any_of(random, targets);
  call.intended = std::max(one_of(random, odd_times), Offset(0));
  call.latency = call.sent_late = one_of<Offset>(random, {Offset(0), Offset(1), std::chrono::seconds(2)});
  call.status = all_call_statuses.at(any_of(random, all_call_statuses.size()));
  call.generation = one_of(random, odd_numbers);
  call.upstream_calls = random() % 3;
  call.probe = random() % 2 == 0;
  call.late = random() % 2 == 0;
  return call;
}

const std::vector<std::string> odd_names{
    "Instance-A", "Instance-A (http://127.0.0.1:8001)", "<b onclick=\"x()\">", "'; drop", std::string(64, '\xc3'),
    "constructor"};

Run odd_run(Random& random) {
  Run run;
  run.length = one_of<Offset>(random, {Offset(0), Offset(1), milliseconds(450), std::chrono::seconds(61)});
  run.shared_breaker = random() % 2 == 0;
  for (size_t i = any_of(random, odd_names.size()); i < odd_names.size(); ++i)
    run.targets.push_back({odd_names[i], ""});
  const size_t targets = run.targets.size();
  run.samples.resize(targets);
  for (auto& samples : run.samples) {
    for (Offset at : odd_times) {
      if (at >= Offset(0) && random() % 2 == 0) samples.push_back({at, any_state(random), random() % 4 == 0});
    }
  }
  for (size_t i = any_of(random, 9); i > 0; --i) run.transitions.push_back(odd_transition(random, targets));
  std::sort(run.transitions.begin(), run.transitions.end(),
            [](const Transition& a, const Transition& b) { return a.at < b.at; });
  for (size_t i = any_of(random, 9); i > 0; --i) run.calls.push_back(odd_call(random, targets));
  if (random() % 2 == 0) {
    run.ledger.emplace();
    for (size_t i = any_of(random, 3); i > 0; --i) (*run.ledger)[one_of(random, odd_names)] = {1, UINT64_MAX, 0, 0, 0};
  }
  return run;
}

}  // namespace

TEST_CASE("every run's file has a document, whatever is in the run") {
  const std::vector<std::string> names{"x", "\"<i>\"", std::string(64, '\xff')};
  for (uint64_t seed = 0; seed < 100; ++seed) {
    CAPTURE(seed);
    Random random(seed);
    const Run run = odd_run(random);
    const Written written(run, {one_of(random, names), "by hand", "Why?", measure(run, timeline(run)), {}});
    json document;
    REQUIRE_NOTHROW(document = written.document());
    CHECK(document == read_json_file(written.path));
  }
}
