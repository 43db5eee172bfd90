#include "load_generator/chaos/chaos_run.hpp"

#include <doctest/doctest.h>

#include <fstream>
#include <sstream>

#include "load_generator/chaos/chaos_report.hpp"
#include "load_generator/scenario/strict_json.hpp"
#include "load_generator/tests/scratch_file.hpp"
#include "load_generator/tests/seen_for_test.hpp"

using namespace load;
using std::chrono::milliseconds;

namespace {

constexpr Offset started = std::chrono::seconds(1'769'862'896);  // 2026-01-31T12:34:56Z

// An instance that never answered, with many events around that.
ChaosHistory bad_history() {
  ChaosHistory history;
  history.settings.seed = 42;
  history.run.targets = {{"Instance-A", ""}};
  history.run.samples = {{{milliseconds(0), State::closed}}};
  history.run.ledger = Ledger{{"Instance-A", {0, 0, 0, 0, 0}}};
  for (int i = 0; i < 500; ++i) {
    Call call;
    call.intended = milliseconds(10 * i);
    history.run.calls.push_back(call);
  }
  history.events = {{milliseconds(10), "redis: killed"}, {milliseconds(4000), "upstream: down"}};
  history.absences = {{0, milliseconds(100), milliseconds(5000)}};
  history.log = {{milliseconds(20), 0, "closed > open: \xff 3 failures"}};
  return history;
}

}  // namespace

TEST_CASE("an instance's log lines are read, with their time since the start of the load") {
  const std::string text =
      "{\"at\":\"2026-01-31T12:34:57.250Z\",\"level\":\"error\",\"message\":\"closed > open: 3 failures\"}\n"
      "{\"at\":\"2026-01-31T12:34:55.000Z\",\"level\":\"info\",\"message\":\"Instance-B: listening\"}\n";
  const std::vector<LogLine> lines = read_log(text, 1, started);
  REQUIRE(lines.size() == 2);
  CHECK(lines[0].at == milliseconds(1250));
  CHECK(lines[0].target == 1);
  CHECK(lines[0].text == "closed > open: 3 failures");
  CHECK(lines[1].at == milliseconds(-1000));
}

TEST_CASE("a line that a kill -9 cut off, or that is not a log line, is left out") {
  const std::string good = R"({"at":"2026-01-31T12:34:57.250Z","message":"good"})";
  for (const char* bad : {R"({"at":"2026-01-31T12:34:57.250Z","mess)", "", "terminate called", "[]", "7",
                          R"({"at":"soon","message":"x"})", R"({"at":7,"message":"x"})", R"({"message":"x"})",
                          R"({"at":"2026-01-31T12:34:57.250Z","message":7})"}) {
    CAPTURE(bad);
    CHECK(read_log(std::string(bad) + "\n" + good, 0, started).size() == 1);
  }
}

TEST_CASE("a violation is reported with the events around it, and the command that repeats the run") {
  const ChaosHistory history = bad_history();
  const std::vector<Verdict> verdicts = check(history);
  REQUIRE_FALSE(all_held(verdicts));
  const std::string text = report(history, verdicts);
  for (const char* part : {"answered   calls without an answer                    10          0   NOT HELD",
                           "0.000 s  Instance-A: unreachable, 0 ms", "... and 5 more", "0.010 s  redis: killed",
                           "Instance-A: closed > open", "chaos --seed 42 --duration 3m --instances 3 --rate 100"}) {
    CHECK_MESSAGE(text.find(part) != std::string::npos, part);
  }
  CHECK(text.find("upstream: down") == std::string::npos);  // seconds later
  CHECK(text.find("--sentinel") == std::string::npos);
}

TEST_CASE("the command that repeats a run with Sentinels has --sentinel") {
  ChaosHistory history = bad_history();
  history.settings.sentinel = true;
  CHECK(report(history, check(history)).find("--slack 100ms --sentinel\n") != std::string::npos);
}

TEST_CASE("a table says that all checks held, within 80 columns") {
  ChaosHistory history = bad_history();
  history.run.calls.clear();
  const std::vector<Verdict> verdicts = check(history);
  REQUIRE(all_held(verdicts));
  const std::string text = report(history, verdicts);
  CHECK(text.find("all held, seed 42") != std::string::npos);
  CHECK(text.find("NOT HELD") == std::string::npos);
  CHECK(longest_line(text) <= 80);
}

TEST_CASE("the whole history is kept in a file") {
  const ScratchFolder folder;
  const ChaosHistory history = bad_history();
  write_history(folder.path("runs/chaos.json"), history, check(history));
  const auto document = read_json_file(folder.path("runs/chaos.json"));
  CHECK(document["settings"]["command"].get<std::string>().find("--seed 42") != std::string::npos);
  CHECK(document["calls"].size() == 500);
  CHECK(document["deeds"][0]["what"] == "redis: killed");
  CHECK(document["absences"][0]["until_ms"] == 5000);
  CHECK(document["log"].size() == 1);
  CHECK(document["verdicts"][0]["violations"].size() == 10);
  CHECK_THROWS_WITH_AS(write_history("/proc/none/chaos.json", history, {}), doctest::Contains("/proc/none/chaos.json"),
                       std::runtime_error);
}
