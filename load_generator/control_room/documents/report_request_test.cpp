// The report of finished runs, as a page downloads it.
#include "load_generator/control_room/documents/report_request.hpp"

#include <doctest/doctest.h>

#include "load_generator/control_room/tests/page_for_test.hpp"
#include "load_generator/control_room/tests/room_for_test.hpp"
#include "load_generator/report/run_file.hpp"
#include "load_generator/tests/seen_for_test.hpp"

using namespace load;
using json = nlohmann::ordered_json;

namespace {

// A control room with the runs outage-10-simple, outage-10-redis and recovery-redis.
struct ThreeRuns {
  RoomForTest room{{{}, "http://127.0.0.1:1"}};
  PageForTest page{room.url()};
  httplib::Client client{room.url().substr(0, room.url().size() - 1)};

  ThreeRuns() {
    write("outage-10", "simple");
    write("outage-10", "redis");
    write("recovery", "redis");
  }

  void write(const std::string& name, const std::string& variant) const {
    Run run;
    run.targets = {{"Instance-A", "http://a"}};
    run.samples = {{{Offset(0), State::closed}}};
    write_run_file(room.runs.path(name + "-" + variant + ".json"),
                   finish(run, {name, variant, "How many </script>?", {}, {}}));
  }

  httplib::Response report(const std::string& runs) {
    const auto answer = client.Get("/report?runs=" + runs);
    REQUIRE(answer);
    return *answer;
  }

  void check_refused(const std::string& path, int status, const std::string& word) {
    CAPTURE(path);
    const PageForTest::Answer answer = page.get(path);
    CHECK(answer.status == status);
    CHECK(has(answer.body.value("error", ""), word));
  }
};

}  // namespace

TEST_CASE_FIXTURE(ThreeRuns, "the report of runs is one HTML file to keep, with their data and without a token") {
  const httplib::Response answer = report("outage-10-simple,outage-10-redis");
  CHECK(answer.status == 200);
  CHECK(answer.get_header_value("Content-Type") == "text/html; charset=utf-8");
  CHECK(answer.get_header_value("Content-Disposition") == "attachment; filename=\"outage-10-report.html\"");
  CHECK(has(answer.get_header_value("Content-Security-Policy"), "default-src 'none'"));
  CHECK(has(answer.body, R"("variant":"simple")"));
  CHECK(has(answer.body, R"("variant":"redis")"));
  CHECK(has(answer.body, R"(How many \u003c/script\u003e?)"));
  CHECK_FALSE(has(answer.body, "token"));
}

TEST_CASE_FIXTURE(ThreeRuns, "the report's file has the name that its runs have in common") {
  const auto name = [this](const std::string& runs) { return report(runs).get_header_value("Content-Disposition"); };
  CHECK(name("outage-10-redis") == "attachment; filename=\"outage-10-redis-report.html\"");
  CHECK(name("outage-10-redis,recovery-redis") == "attachment; filename=\"report.html\"");
}

TEST_CASE_FIXTURE(ThreeRuns, "a report of unknown, too many or no runs is refused with a sentence") {
  check_refused("/report", 400, "runs is missing");
  check_refused("/report?runs=", 400, "runs is missing");
  check_refused("/report?runs=no-such", 404, "no run of that name");
  check_refused("/report?runs=outage-10-redis,", 404, "no run of that name");
  check_refused("/report?runs=..%2f..%2fetc%2fpasswd", 404, "no run of that name");
  check_refused("/report?runs=outage-10-redis,%0d%0aX: y", 404, "no run of that name");
  std::string many = "outage-10-redis";
  for (size_t i = 0; i < most_runs_in_report; ++i) many += ",outage-10-redis";
  check_refused("/report?runs=" + many, 400, "at most 12 runs");
  CHECK(client.Get("/report?runs=outage-10-redis", {{"Host", "evil.example"}})->status == 403);
  CHECK(client.Get("/report?runs=outage-10-redis", {{"Origin", "http://evil.example"}})->status == 403);
}
