#include "distributed_breaker/reporting/metrics.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <fstream>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "program/processes/child_process.hpp"
#include "simple_breaker/circuit_breaker.hpp"

using namespace cb;
using namespace std::chrono_literals;

namespace {

constexpr BreakerCounts one_breaker{1, 0};

// `line`: without the common prefix.
bool shows(const std::string& text, const std::string& line) {
  return ("\n" + text).find("\ncircuit_breaker_" + line + "\n") != std::string::npos;
}

Notice notice(NoticeKind kind, State from = State::closed, State to = State::closed) {
  return {kind, "upstream", "", from, to, 1, "", TimePoint{}};
}

DetailedStatus in(State state) {
  DetailedStatus status;
  status.state = state;
  return status;
}

long lines(const std::string& text) { return std::count(text.begin(), text.end(), '\n'); }

program::ChildProcess check_with_promtool(const std::string& text) {
  const std::string file = LAB_BIN_DIR "/../metrics_test.prom";
  std::ofstream(file) << text;
  return program::ChildProcess({"sh", "-c", "exec promtool check metrics < '" + file + "'"});
}

std::string text_with(const CallCounts& recent) {
  Metrics metrics("upstream");
  for (const CallStatus status :
       {CallStatus::success, CallStatus::failure, CallStatus::exception, CallStatus::blocked}) {
    metrics.count_call(status, 12ms);
  }
  DetailedStatus common;
  common.recent = recent;
  return metrics.text(common, {5, 1});
}

}  // namespace

TEST_CASE("calls that a fallback answered are counted") {
  Metrics metrics("upstream");
  for (int i = 0; i < 2; ++i) metrics.count_fallback();
  CHECK(shows(metrics.text(in(State::closed), one_breaker), R"(fallbacks_total{breaker="upstream"} 2)"));
}

TEST_CASE("promtool accepts the text, with a sliding window and without") {
  for (const CallCounts& recent : {CallCounts{10, 3, 1}, CallCounts{}}) {
    auto promtool = check_with_promtool(text_with(recent));
    const int exit_code = promtool.wait(30s).value_or(-1);
    const bool missing = exit_code == 127;
    REQUIRE_MESSAGE(!missing, "promtool is missing; scripts/dev/setup.sh installs it (Debian's package prometheus)");
    CHECK_MESSAGE(exit_code == 0, promtool.output());
    CHECK(promtool.output() == "");
  }
}

TEST_CASE("a call is counted by outcome, and timed unless it was blocked") {
  Metrics metrics("upstream");
  metrics.count_call(CallStatus::success, 3ms);
  metrics.count_call(CallStatus::success, 20s);
  metrics.count_call(CallStatus::exception, 1s);
  metrics.count_call(CallStatus::blocked, 0ms);
  const std::string text = metrics.text({}, one_breaker);
  CHECK(shows(text, R"(calls_total{breaker="upstream",outcome="success"} 2)"));
  CHECK(shows(text, R"(calls_total{breaker="upstream",outcome="failure"} 0)"));
  CHECK(shows(text, R"(calls_total{breaker="upstream",outcome="blocked"} 1)"));
  CHECK(shows(text, R"(call_duration_seconds_bucket{breaker="upstream",outcome="success",le="0.0025"} 0)"));
  CHECK(shows(text, R"(call_duration_seconds_bucket{breaker="upstream",outcome="success",le="0.005"} 1)"));
  CHECK(shows(text, R"(call_duration_seconds_bucket{breaker="upstream",outcome="success",le="10"} 1)"));
  CHECK(shows(text, R"(call_duration_seconds_count{breaker="upstream",outcome="success"} 2)"));
  CHECK(shows(text, R"(call_duration_seconds_sum{breaker="upstream",outcome="exception"} 1)"));
  CHECK(text.find(R"(duration_seconds_count{breaker="upstream",outcome="blocked")") == std::string::npos);
}

TEST_CASE("each kind of notice has a counter") {
  Metrics metrics("upstream");
  metrics.record(notice(NoticeKind::rejection, State::open, State::open));
  metrics.record(notice(NoticeKind::late_result));
  metrics.record(notice(NoticeKind::slow_call));
  metrics.record(notice(NoticeKind::would_have_tripped));
  metrics.record(notice(NoticeKind::store_trouble));
  metrics.count_probe();
  const std::string text = metrics.text({}, one_breaker);
  for (const std::string name :
       {"not_permitted_calls", "late_results", "slow_calls", "would_have_tripped", "store_errors", "probes"}) {
    CHECK_MESSAGE(shows(text, name + R"(_total{breaker="upstream"} 1)"), name);
  }
}

TEST_CASE("transitions are counted by from and to, and overrides also as overrides") {
  Metrics metrics("upstream");
  metrics.record(notice(NoticeKind::transition, State::closed, State::open));
  metrics.record(notice(NoticeKind::override, State::closed, State::open));
  metrics.record(notice(NoticeKind::override, State::closed, State::closed));  // a reset of a closed circuit
  const std::string text = metrics.text({}, one_breaker);
  CHECK(shows(text, R"(transitions_total{breaker="upstream",from="closed",to="open"} 2)"));
  CHECK(shows(text, R"(transitions_total{breaker="upstream",from="half_open",to="closed"} 0)"));
  CHECK(shows(text, R"(overrides_total{breaker="upstream"} 2)"));
  CHECK(text.find(R"(from="closed",to="closed")") == std::string::npos);
}

TEST_CASE("exactly one state is the current one, and each scrape shows the latest") {
  Metrics metrics("upstream");
  const std::string closed = metrics.text(in(State::closed), one_breaker);
  CHECK(shows(closed, R"(state{breaker="upstream",state="closed"} 1)"));
  CHECK(shows(closed, R"(state{breaker="upstream",state="open"} 0)"));
  const std::string half_open = metrics.text(in(State::half_open), {7, 2});
  CHECK(shows(half_open, R"(state{breaker="upstream",state="closed"} 0)"));
  CHECK(shows(half_open, R"(state{breaker="upstream",state="half_open"} 1)"));
  CHECK(shows(half_open, R"(breakers{breaker="upstream"} 7)"));
  CHECK(shows(half_open, R"(open_breakers{breaker="upstream"} 2)"));
}

TEST_CASE("rates are shares of the window's calls, and absent while the window is empty") {
  Metrics metrics("upstream");
  DetailedStatus status;
  status.recent = {4, 1, 2};
  CHECK(shows(metrics.text(status, one_breaker), R"(failure_rate{breaker="upstream"} 0.25)"));
  CHECK(shows(metrics.text(status, one_breaker), R"(slow_call_rate{breaker="upstream"} 0.5)"));
  status.recent = {};
  const std::string empty = metrics.text(status, one_breaker);
  CHECK(empty.find("_rate{") == std::string::npos);
  status.recent = {2, 0, 0};
  CHECK(shows(metrics.text(status, one_breaker), R"(failure_rate{breaker="upstream"} 0)"));
}

TEST_CASE("more tenants do not create more time series") {
  Metrics metrics("upstream");
  const auto setup = std::make_shared<const BreakerConfig>(Policy{.failure_threshold = 1},
                                                           [&](const Notice& notice) { metrics.record(notice); });
  const long before = lines(metrics.text({}, one_breaker));
  for (int tenant = 0; tenant < 100; ++tenant) {
    CircuitBreaker breaker(setup, {"upstream", "tenant-" + std::to_string(tenant)});
    std::get<Permit>(breaker.acquire()).settle(Outcome::failure);
    CHECK(std::holds_alternative<Rejection>(breaker.acquire()));
  }
  const std::string text = metrics.text({}, one_breaker);
  CHECK(lines(text) == before);
  CHECK(text.find("tenant") == std::string::npos);
  CHECK(shows(text, R"(transitions_total{breaker="upstream",from="closed",to="open"} 100)"));
  CHECK(shows(text, R"(not_permitted_calls_total{breaker="upstream"} 100)"));
}

TEST_CASE("concurrent counting loses nothing, even during scrapes") {
  constexpr int threads = 8, each = 5000;
  Metrics metrics("upstream");
  std::vector<std::jthread> running;
  for (int i = 0; i < threads; ++i) {
    running.emplace_back([&metrics] {
      for (int call = 0; call < each; ++call) {
        metrics.count_call(CallStatus::failure, 1ms);
        metrics.record(notice(NoticeKind::rejection));
        if (call % 500 == 0) metrics.text({}, one_breaker);
      }
    });
  }
  running.clear();
  const std::string text = metrics.text({}, one_breaker);
  CHECK(shows(text, R"(calls_total{breaker="upstream",outcome="failure"} 40000)"));
  CHECK(shows(text, R"(call_duration_seconds_count{breaker="upstream",outcome="failure"} 40000)"));
  CHECK(shows(text, R"(not_permitted_calls_total{breaker="upstream"} 40000)"));
}
