// An instance as a program: its options, its status, its log, its metrics, and how it stops.
#include <chrono>
#include <cmath>
#include <sstream>

#include "distributed_breaker/tests/behaviour_for_test.hpp"
#include "program/processes/fair_stopwatch.hpp"

using namespace cb;
using namespace std::chrono_literals;
using nlohmann::json;

namespace {

std::string scrape(const InstanceProcess& instance) {
  const program::HttpReply reply = program::send({.url = instance.url + "/metrics", .timeout = 30s});
  CHECK(reply.status == 200);
  return reply.body;
}

// The sample of `name` with at least these labels; NaN without one.
double sample(const std::string& text, const std::string& name, const std::vector<std::string>& labels = {}) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    bool found = line.rfind("circuit_breaker_" + name + "{", 0) == 0;
    for (const std::string& label : labels) found = found && holds(line, label);
    if (found) return std::stod(line.substr(line.rfind(' ') + 1));
  }
  return std::nan("");
}

std::string label(const std::string& name, const std::string& value) { return name + "=\"" + value + "\""; }

}  // namespace

TEST_CASE("status shows the breaker, the policy, and the transitions with their time and cause") {
  Fleet fleet;
  fleet.upstream.status = 500;
  const auto instance = fleet.start("--failure-threshold 1 --recovery-timeout 2m");
  const int64_t before_ms = now_ms();
  instance.call();
  instance.override(override_request("reset"));
  const int64_t after_ms = now_ms();
  const json status = instance.status();
  CHECK(status["breaker"]["name"] == "unreliable_service");
  CHECK(status["breaker"]["state"] == "closed");
  CHECK(status["policy"]["failure_threshold"] == 1);
  CHECK(status["policy"]["recovery_timeout_ms"] == 120'000);
  REQUIRE(status["transitions"].size() == 2);
  const json& tripped = status["transitions"][0];
  CHECK(tripped["from"] == "closed");
  CHECK(tripped["to"] == "open");
  CHECK(tripped["cause"] == "1 consecutive failure");
  CHECK(tripped["at_ms"] >= before_ms);
  CHECK(tripped["at_ms"] <= after_ms);
}

TEST_CASE("metrics agree with status and with the calls that were made") {
  Fleet fleet;
  const auto instance = fleet.start(
      "--failure-threshold 2 --recovery-timeout 1m --failure-rate-threshold 1 --slow-call-duration-threshold 29s "
      "--slow-call-rate-threshold 1");
  CHECK(std::isnan(sample(scrape(instance), "failure_rate")));  // without calls
  for (const std::string path : {"/call", "/call", "/call?tenant=acme"}) instance.get(path);
  fleet.upstream.status = 500;
  for (int i = 0; i < 5; ++i) instance.call();
  instance.override(override_request("forced_open"));
  const std::string open = scrape(instance);
  fleet.upstream.status = 200;
  instance.override(override_request("auto"));
  instance.call();
  const std::string text = scrape(instance);
  const json calls = instance.status()["calls"];
  CHECK(calls == json{{"success", 4}, {"failure", 2}, {"exception", 0}, {"blocked", 3}});
  for (const auto& [status, count] : calls.items()) {
    CHECK(sample(text, "calls_total", {label("outcome", status)}) == count);
    if (status == "blocked") continue;
    CHECK(sample(text, "call_duration_seconds_count", {label("outcome", status)}) == count);
  }
  CHECK(sample(text, "not_permitted_calls_total") == 3);
  CHECK(sample(text, "transitions_total", {label("from", "closed"), label("to", "open")}) == 1);
  CHECK(sample(text, "transitions_total", {label("from", "open"), label("to", "half_open")}) == 1);
  CHECK(sample(text, "transitions_total", {label("from", "half_open"), label("to", "closed")}) == 1);
  CHECK(sample(text, "overrides_total") == 2);
  CHECK(sample(text, "probes_total") == 1);
  CHECK(sample(text, "store_errors_total") == 0);
  CHECK(sample(text, "breakers") == 2);
  CHECK(sample(open, "open_breakers") == 1);
  CHECK(sample(text, "open_breakers") == 0);
  CHECK(sample(open, "state", {label("state", "open")}) == 1);
  CHECK(sample(text, "state", {label("state", "closed")}) == 1);
  CHECK(sample(text, "calls_total", {label("breaker", "unreliable_service")}) >= 0);
  CHECK_FALSE(holds(text, "tenant"));
  CHECK_FALSE(holds(text, "acme"));
}

TEST_CASE("metrics count slow calls, and the trips that metrics_only skipped") {
  Fleet fleet;
  fleet.upstream.latency_ms = 10;
  fleet.upstream.status = 500;
  const auto instance = fleet.start(
      "--failure-threshold 2 --failure-rate-threshold 1 --slow-call-duration-threshold 5ms "
      "--slow-call-rate-threshold 1 --sliding-window-size 1h");
  instance.override(override_request("metrics_only"));
  for (int i = 0; i < 5; ++i) instance.call();
  const std::string text = scrape(instance);
  CHECK(sample(text, "slow_calls_total") == 5);
  CHECK(sample(text, "would_have_tripped_total") == 2);
  CHECK(sample(text, "failure_rate") == 1);
  CHECK(sample(text, "slow_call_rate") == 1);
  CHECK(instance.breaker()["slow_calls"] == 5);
}

TEST_CASE("a bad option is one line that names it, and exit code 2") {
  const Fleet fleet;
  // One of each kind: the unit tests of the settings check every range.
  const std::pair<std::string, std::string> bad_options[]{
      {"--no-such-option 1", "--no-such-option"},
      {"--port 70000", "--port"},
      {"--upstream ftp://x", "upstream is 'ftp://x'; the scheme is ftp, not http; write http://HOST:PORT"},
      {"--upstream http://my_service:0", "the port is 0; it must be 1 to 65535"},
      {"--upstream http://::1:9000", "an IPv6 address needs brackets"},
      {"--listen 127.0.0.1:8001", "listen: a port cannot be part of it"},
      {"--name a:b", "name is 'a:b'"},
      {"--breaker-name a:b", "breaker name is 'a:b'"},
      {"--call-timeout -1s", "--call-timeout: '-1s'"},
      {"--call-timeout 5s", "call_timeout 5s"},
      {"--call-timeout 0s", "call_timeout is 0ms"},
      {"--recovery-timeout 10", "--recovery-timeout: '10'"},
      {"--failure-threshold many", "--failure-threshold"},
      {"--failure-threshold -1", "failure_threshold is -1"},
      {"--failure-rate-threshold nan", "--failure-rate-threshold: 'nan'"},
      {"--slow-call-rate-threshold 0.5", "slow_call_duration_threshold is 0ms"},
      {"--failure-threshold 0", "are all 0: nothing would ever open the circuit"},
      {"--failure-status 5xx", "failure_status is '5xx'"},
      {"--max-breakers 1000001", "--max-breakers: '1000001'"},
      {"--max-attempts 0", "max_attempts is 0"},
      {"--retry-backoff 5s", "retry_backoff is 5000ms"},
      {"--max-queued-calls 1", "max_queued_calls is 1"},
      {"--fallback cached", "--fallback: 'cached'"},
      {"--fallback fixed", "fallback_answer"},
      {"--fallback-answer {}", "fallback_answer is given"},
      {"--fallback fixed --fallback-answer later", "--fallback-answer: \"later\" is not valid JSON"},
      {"--log-format xml", "--log-format: 'xml'"},
  };
  for (const auto& [options, named] : bad_options) {
    const Ended ended = fleet.run(options);
    const std::string given = options;
    CAPTURE(given);
    CAPTURE(ended.output);
    CHECK(ended.exit_code == 2);
    CHECK(std::count(ended.output.begin(), ended.output.end(), '\n') == 1);
    CHECK(holds(ended.output, named));
  }
}

TEST_CASE("a taken port is one line that names it, and exit code 1") {
  const Fleet fleet;
  const auto first = fleet.start();
  const std::string port = first.url.substr(first.url.rfind(':') + 1);
  const Ended second = fleet.run("--port " + port);
  CHECK(second.exit_code == 1);
  CHECK(holds(second.output, "error: cannot listen on 127.0.0.1:" + port +
                                 ": Address already in use; stop what uses it, or choose another with --port\n"));
}

TEST_CASE("--help is exit code 0 and shows the defaults") {
  const Ended help = Fleet().run("--help");
  CHECK(help.exit_code == 0);
  CHECK(holds(help.output, "--failure-threshold"));
  CHECK(holds(help.output, "10s"));
}

TEST_CASE("SIGTERM and SIGINT stop an instance within a second, even during a call") {
  Fleet fleet;
  fleet.upstream.latency_ms = 60'000;
  auto a = fleet.start(), b = fleet.start();
  std::jthread call_a([&] { a.call(); }), call_b([&] { b.call(); });
  REQUIRE(happens([&] { return fleet.upstream.calls == 2; }));
  const program::FairStopwatch stopwatch;
  a.process.send_signal(SIGTERM);
  b.process.send_signal(SIGINT);
  CHECK(a.process.wait(20s) == 0);
  CHECK(b.process.wait(20s) == 0);
  CHECK(stopwatch.elapsed() < std::chrono::milliseconds(LAB_END_WITHIN_MS));
}

TEST_CASE("an instance listens on IPv6, calls an upstream by IPv6, and prints its address in brackets") {
  program::HttpServer upstream(4);
  upstream.Get("/data", [](const auto&, auto& response) { program::answer_json(response, 200, "{}"); });
  try {
    upstream.bind("::1", 0);
  } catch (const std::runtime_error&) {
    return;  // a container without IPv6
  }
  upstream.start();
  const Fleet fleet;
  const auto instance = fleet.start_at(upstream.url(), "--listen ::1");
  CHECK(instance.url.rfind("http://[::1]:", 0) == 0);
  CHECK(instance.call().http_status == 200);
}

TEST_CASE("control routes are answered while every worker waits for a hung upstream") {
  constexpr int every_worker = 64;
  std::atomic<int> waiting{0};
  std::atomic<bool> released{false};
  program::HttpServer upstream(every_worker);
  upstream.Get("/data", [&](const auto&, auto& response) {
    ++waiting;
    program::wait_until([&] { return released.load(); }, 60s);
    program::answer_json(response, 200, "{}");
  });
  upstream.bind("127.0.0.1", 0);
  upstream.start();
  const Fleet fleet;
  const auto instance = fleet.start_at(upstream.url(), "--call-timeout 2m --probe-timeout 3m");
  std::atomic<int> answered{0};
  std::vector<std::jthread> callers;
  for (int i = 0; i < every_worker + 6; ++i) {
    callers.emplace_back([&] {
      program::send({.url = instance.url + "/call", .timeout = 2min});
      ++answered;
    });
  }
  CHECK(happens([&] { return waiting == every_worker; }));
  CHECK(instance.get("/health").http_status == 200);
  CHECK(instance.get("/status").http_status == 200);
  CHECK(instance.get("/status?tenant=acme").http_status == 200);
  CHECK(instance.get("/metrics").http_status == 200);
  CHECK(instance.override(override_request("forced_open")).http_status == 200);
  CHECK(answered == 0);
  released = true;
}

TEST_CASE("an unknown route is a 404 that says so as JSON") {
  const Fleet fleet;
  const auto instance = fleet.start();
  for (auto answer : {instance.get("/calls"), instance.get("/"), instance.put("/call", "{}")}) {
    CHECK(answer.http_status == 404);
    CHECK(answer.body.value("error", "") == "there is no such route");
  }
}

TEST_CASE("with --log-format json each line is an object with at, level and message") {
  Fleet fleet;
  fleet.upstream.status = 500;
  const PrivateFile token("correct-horse-battery-staple\n");
  auto instance = fleet.start("--log-format json --failure-threshold 1 --admin-token-file " + token.path());
  instance.get("/call?tenant=acme");
  instance.override(override_request("forced_open"));  // refused
  instance.process.send_signal(SIGTERM);
  CHECK(instance.process.wait(10s) == 0);
  std::istringstream lines(instance.process.output());
  std::string messages;
  for (std::string line; std::getline(lines, line);) {
    CAPTURE(line);
    const json entry = json::parse(line, nullptr, false);
    REQUIRE(entry.is_object());
    CHECK(entry.size() == 3);
    CHECK(entry.at("at").get<std::string>().size() == std::string("2026-01-31T12:34:56.789Z").size());
    CHECK(entry.at("level").is_string());
    messages += entry.at("message").get<std::string>() + "\n";
  }
  for (const std::string part : {"listening on http://127.0.0.1:", "acme: closed > open: 1 consecutive failure",
                                 "refused with 401: PUT /breaker/override", "stopped"}) {
    CAPTURE(part);
    CHECK(holds(messages, part));
  }
}
