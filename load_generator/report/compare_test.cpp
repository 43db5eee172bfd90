#include "load_generator/report/compare.hpp"

#include <doctest/doctest.h>

#include <sstream>
#include <stdexcept>

#include "load_generator/record/latencies.hpp"
#include "load_generator/report/report.hpp"
#include "load_generator/tests/scratch_file.hpp"
#include "load_generator/tests/seen_for_test.hpp"

using namespace load;

namespace {

Summary summary_with(double measured) {
  return {"outage", "redis", "How many calls?", {{"opened", measured}}, {{"opened", 1, 2, "one breaker"}}};
}

Run crowded_run() {
  Run run;
  for (char letter = 'A'; letter <= 'Z'; ++letter) run.targets.push_back({std::string(60, letter), "http://x"});
  run.samples.resize(run.targets.size(), {{Offset(0), State::open}});
  run.length = std::chrono::hours(24);
  run.calls.resize(1000);
  run.transitions.resize(40, {3, 1, State::half_open, State::half_open, std::string(500, 'x'), run.length});
  run.ledger = Ledger{{std::string(64, 's'), {1u << 30, 0, 0, 0, 0}}};
  return run;
}

}  // namespace

TEST_CASE("an expectation holds within its bounds, and not without a measurement") {
  CHECK_FALSE(every_expectation_held({summary_with(0)}));
  CHECK(every_expectation_held({summary_with(1)}));
  CHECK(every_expectation_held({summary_with(2)}));
  CHECK_FALSE(every_expectation_held({summary_with(2), summary_with(3)}));
  Summary unmeasured = summary_with(1);
  unmeasured.measures.clear();
  CHECK_FALSE(every_expectation_held({unmeasured}));
  CHECK(verdicts(unmeasured).find("could not be measured") != std::string::npos);
}

TEST_CASE("a comparison shows question, arithmetic, expected beside measured, and the verdict") {
  const std::string text = comparison({summary_with(1), summary_with(7)});
  for (const char* part :
       {"How many calls?", "because one breaker", "expected 1 to 2, measured 7", "held", "NOT HELD"}) {
    CHECK_MESSAGE(text.find(part) != std::string::npos, part);
  }
}

TEST_CASE("long names of variants are broken after hyphens") {
  Summary first = summary_with(1), second = summary_with(1);
  first.variant = "distributed";
  second.variant = "distributed-errors-only";
  const std::string text = comparison({first, second});
  CHECK(text.find("outage                   distributed  distributed-\n"
                  "                                       errors-only\n") == 0);
}

TEST_CASE("comparison and report keep to 80 columns and use no colours") {
  Summary wide = summary_with(1e12);
  wide.name = wide.variant = std::string(64, 'n');
  wide.expectations[0].because = std::string("because ") + std::string(50, 'y') + " and " + std::string(40, 'z');
  const std::string compared = comparison(std::vector<Summary>(9, wide));
  CHECK(longest_line(compared) <= 80);
  const std::string reported = report(crowded_run());
  CHECK(longest_line(reported) <= 80);
  CHECK(reported.find('\033') == std::string::npos);
}

TEST_CASE("the report keeps blocked and failed calls apart, and counts the unexplained ones") {
  Run run;
  run.targets = {{"Instance-A", ""}};
  run.samples.resize(1);
  Call failed;
  failed.status = CallStatus::failure;
  failed.upstream_calls = 1;
  Call blocked;
  blocked.status = CallStatus::blocked;
  run.calls = {failed, blocked, blocked};
  run.ledger = Ledger{{"Instance-A", {5, 0, 5, 0, 0}}};
  const std::string text = report(run);
  CHECK(text.find("Instance-A                 0           1           0           2           0") != std::string::npos);
  CHECK(text.find("unexplained calls: 4") != std::string::npos);
  run.ledger.reset();
  CHECK(report(run).find("could not be read") != std::string::npos);
}

TEST_CASE("percentiles are by nearest rank") {
  Run run;
  for (int ms = 1; ms <= 200; ++ms) {
    Call call;
    call.status = CallStatus::success;
    call.latency = std::chrono::milliseconds(ms);
    run.calls.push_back(call);
  }
  const auto latency = latencies(run, CallStatus::success);
  REQUIRE(latency);
  CHECK(latency->p50 == 100);
  CHECK(latency->p90 == 180);
  CHECK(latency->p99 == 198);
  CHECK(latency->max == 200);
  CHECK_FALSE(latencies(run, CallStatus::failure));
}

TEST_CASE("a run file is read back as it was written") {
  const ScratchFolder folder;
  const std::string path = folder.path("runs/outage.json");
  write_run_file(path, {crowded_run(), timeline(crowded_run()), summary_with(7)});
  const Summary read = read_run_file(path);
  CHECK(read.name == "outage");
  CHECK(read.variant == "redis");
  CHECK(read.measures.at("opened") == 7);
  CHECK(read.expectations.at(0).at_most == 2);
  CHECK(read.expectations.at(0).because == "one breaker");
  CHECK_THROWS_WITH_AS(write_run_file("/proc/none/run.json", {{}, {}, summary_with(1)}),
                       doctest::Contains("/proc/none/run.json"), std::runtime_error);
}

TEST_CASE("a file that is not a run is refused by file and field") {
  const ScratchFolder folder;
  const auto refused = [&](const std::string& text, const char* complaint) {
    CHECK_THROWS_WITH_AS(read_run_file(folder.file("run.json", text)), doctest::Contains(complaint),
                         std::invalid_argument);
  };
  refused("rubbish", "run.json: not valid JSON");
  refused("{}", "run.json: name is missing");
  refused(R"({"name":"a","variant":"b","question":"c"})", "measures must be an object");
  refused(R"({"name":"a","variant":"b","question":"c","measures":{"opened":"x"}})", "measures.opened is \"x\"");
  refused(R"({"name":"a","variant":"b","question":"c","measures":{}})", "expectations is missing");
  refused(R"({"name":"a","variant":"b","question":"c","measures":{},"expectations":[3]})", "expectations[0]");
}
