// Stage 2 as its users meet it: real processes, real sockets, real signals.
#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>

#include "distributed_breaker/tests/instance_for_test.hpp"

using namespace cb;
using namespace std::chrono_literals;

namespace {

const std::string binary = "distributed_breaker";
const std::string path = LAB_BIN_DIR "/distributed_breaker";
const std::string nobody_there = "http://127.0.0.1:1";

using SteadyClock = std::chrono::steady_clock;

}  // namespace

TEST_CASE("a call that the upstream answers is a 200, under the instance's name") {
  FakeUpstream upstream;
  const InstanceProcess instance(binary, upstream.url(), {"--name", "Instance-A"});
  const auto answer = instance.call();
  CHECK(answer.http_status == 200);
  CHECK(answer.body["instance"] == "Instance-A");
  CHECK(answer.body["status"] == "success");
  CHECK(answer.body["state"] == "closed");
  CHECK(upstream.last_caller() == "Instance-A");
  CHECK(instance.get("/health").http_status == 200);
}

TEST_CASE("an error of the upstream is a 502, and at the threshold calls are blocked and nothing is sent") {
  FakeUpstream upstream;
  upstream.status = 500;
  const InstanceProcess instance(binary, upstream.url(), {"--failure-threshold", "2", "--recovery-timeout", "1m"});
  CHECK(instance.call().http_status == 502);
  const auto before = SteadyClock::now();
  const auto tripping = instance.call();
  CHECK(tripping.body["status"] == "failure");
  CHECK(tripping.body["state"] == "open");
  const auto blocked = instance.call();
  CHECK(blocked.http_status == 503);
  CHECK(blocked.body["status"] == "blocked");
  const std::chrono::milliseconds left(blocked.body["retry_after_ms"].get<int>());
  CHECK(left <= 1min);
  CHECK(left + (SteadyClock::now() - before) >= 1min);
  CHECK(upstream.calls == 2);
  const program::HttpReply raw = program::send({.url = instance.url + "/call"});
  CHECK(raw.status == 503);
}

TEST_CASE("Retry-After is in whole seconds, rounded up") {
  FakeUpstream upstream;
  upstream.status = 500;
  const InstanceProcess instance(binary, upstream.url(), {"--failure-threshold", "1", "--recovery-timeout", "90500ms"});
  instance.call();
  httplib::Client client(instance.url);
  client.set_read_timeout(30s);
  const auto answer = client.Get("/call");
  REQUIRE(answer);
  const auto left_ms = nlohmann::json::parse(answer->body)["retry_after_ms"].get<int>();
  CHECK(left_ms > 0);
  CHECK(answer->get_header_value("Retry-After") == std::to_string((left_ms + 999) / 1000));
}

TEST_CASE("no answer in time is a 504 after the call timeout, and counts as a failure") {
  FakeUpstream upstream;
  upstream.latency_ms = 60'000;
  const InstanceProcess instance(binary, upstream.url(), {"--call-timeout", "1s"});
  const auto start = SteadyClock::now();
  const auto answer = instance.call();
  const auto took = SteadyClock::now() - start;
  CHECK(took >= 1s);
  CHECK(took < 10s);
  CHECK(answer.http_status == 504);
  CHECK(answer.body["status"] == "exception");
  CHECK(answer.body["upstream_calls"] == 1);
  CHECK(instance.get("/status").body["breaker"]["failures"] == 1);
}

TEST_CASE("no connection is a 504 that says that nothing was sent") {
  const InstanceProcess instance(binary, nobody_there);
  const auto answer = instance.call();
  CHECK(answer.http_status == 504);
  CHECK(answer.body["status"] == "exception");
  CHECK(answer.body["upstream_calls"] == 0);
}

TEST_CASE("status shows the breaker, the policy, the calls and the transitions with their cause") {
  FakeUpstream upstream;
  const InstanceProcess instance(binary, upstream.url(), {"--failure-threshold", "1", "--recovery-timeout", "2s"});
  instance.call();
  upstream.status = 503;
  instance.call();
  instance.call();
  upstream.status = 200;
  const auto deadline = SteadyClock::now() + 20s;
  while (instance.call().http_status != 200 && SteadyClock::now() < deadline) {
  }
  const auto status = instance.get("/status").body;
  CHECK(status["breaker"]["name"] == "unreliable_service");
  CHECK(status["breaker"]["state"] == "closed");
  CHECK(status["breaker"]["store"] == "memory");
  CHECK(status["policy"]["failure_threshold"] == 1);
  CHECK(status["policy"]["recovery_timeout_ms"] == 2000);
  CHECK(status["calls"]["success"] == 2);
  CHECK(status["calls"]["failure"] == 1);
  CHECK(status["calls"]["blocked"] >= 1);
  REQUIRE(status["transitions"].size() == 3);
  CHECK(status["transitions"][0]["cause"] == "1 consecutive failure");
  CHECK(status["transitions"][1]["cause"] == "recovery timeout over");
  CHECK(status["transitions"][2]["cause"] == "1 successful probe");
  const auto now_ms = std::chrono::system_clock::now().time_since_epoch() / 1ms;
  CHECK(std::abs(now_ms - status["transitions"][2]["at_ms"].get<int64_t>()) < 10'000);
}

TEST_CASE("status shows the calls that told something, and when they were sent, but no success and no rejection") {
  FakeUpstream upstream;
  upstream.latency_ms = 20;
  const InstanceProcess instance(binary, upstream.url(), {"--failure-threshold", "2", "--recovery-timeout", "1m"});
  CHECK(instance.get("/status").body["notable_calls"].empty());
  instance.call();
  upstream.status = 500;
  const auto before_ms = std::chrono::system_clock::now().time_since_epoch() / 1ms;
  const auto failed = instance.call();
  const auto after_ms = std::chrono::system_clock::now().time_since_epoch() / 1ms;
  instance.call();
  CHECK(instance.call().body["status"] == "blocked");
  const auto calls = instance.get("/status").body["notable_calls"];
  REQUIRE(calls.size() == 2);
  CHECK(calls[0]["number"] == 1);
  CHECK(calls[0]["status"] == "failure");
  CHECK(calls[0]["generation"] == failed.body["generation"]);
  CHECK(calls[0]["probe"] == false);
  CHECK(calls[0]["late"] == false);
  CHECK(calls[0]["upstream_calls"] == 1);
  CHECK(calls[0]["at_ms"] >= before_ms);
  CHECK(calls[0]["at_ms"] <= after_ms - 20);
  CHECK(calls[1]["number"] == 2);
}

TEST_CASE("three instances each learn for themselves: three times the threshold reaches a dead upstream") {
  FakeUpstream upstream;
  upstream.status = 500;
  const InstanceProcess a(binary, upstream.url()), b(binary, upstream.url()), c(binary, upstream.url());
  for (int i = 0; i < 10; ++i) a.call();
  CHECK(a.state() == "open");
  CHECK(b.state() == "closed");  // autonomy, and divergence
  for (int i = 0; i < 10; ++i) b.call();
  for (int i = 0; i < 10; ++i) c.call();
  CHECK(upstream.calls == 9);
}

TEST_CASE("many callers at once: the upstream gets the threshold and the calls in flight") {
  FakeUpstream upstream;
  upstream.status = 500;
  upstream.latency_ms = 20;
  const InstanceProcess instance(binary, upstream.url(), {"--recovery-timeout", "1m"});
  std::vector<std::jthread> callers;
  for (int i = 0; i < 16; ++i) {
    callers.emplace_back([&] {
      for (int call = 0; call < 5; ++call) instance.call();
    });
  }
  callers.clear();
  const auto status = instance.get("/status").body;
  CHECK(upstream.calls - status["breaker"]["late_results"].get<int>() == 3);
  CHECK(status["breaker"]["late_results"] <= 15);
  CHECK(status["transitions"].size() == 1);
  CHECK(status["calls"]["blocked"] == 80 - upstream.calls);
}

TEST_CASE("a port that is taken is one line that says which, and exit code 1") {
  const InstanceProcess first(binary, nobody_there);
  const std::string port = first.url.substr(first.url.rfind(':') + 1);
  const Ended second = run_to_end({path, "--port", port});
  CHECK(second.exit_code == 1);
  CHECK(second.output == "error: cannot listen on 127.0.0.1:" + port +
                             ": Address already in use; stop what uses it, or choose another with --port\n");
}

TEST_CASE("a bad option is one line that names it, and exit code 2") {
  struct Bad {
    std::string option, value, named_as;
  };
  for (const Bad& bad : {Bad{"--success-threshold", "0", "success_threshold is 0"},
                         {"--failure-threshold", "many", "--failure-threshold"},
                         {"--recovery-timeout", "10", "--recovery-timeout: '10'"},
                         {"--call-timeout", "-1s", "--call-timeout: '-1s'"},
                         {"--call-timeout", "5s", "call_timeout 5s"},
                         {"--call-timeout", "0s", "call_timeout is 0ms"},
                         {"--port", "70000", "--port"},
                         {"--upstream", "ftp://x", "upstream is 'ftp://x'"},
                         {"--name", "a b", "name is 'a b'"},
                         {"--breaker-name", "a:b", "breaker name is 'a:b'"},
                         {"--no-such-option", "1", "--no-such-option"}}) {
    const Ended ended = run_to_end({path, "--port", "0", bad.option, bad.value});
    CAPTURE(ended.output);
    CHECK(ended.exit_code == 2);
    CHECK(std::count(ended.output.begin(), ended.output.end(), '\n') == 1);
    CHECK(ended.output.find(bad.named_as) != std::string::npos);
  }
}

TEST_CASE("--help is exit code 0 and shows the defaults") {
  const Ended help = run_to_end({path, "--help"});
  CHECK(help.exit_code == 0);
  CHECK(help.output.find("--failure-threshold") != std::string::npos);
  CHECK(help.output.find("10s") != std::string::npos);
}

TEST_CASE("SIGTERM and SIGINT stop it within a second, also while a call waits for the upstream") {
  for (const int signal : {SIGTERM, SIGINT}) {
    auto fastest = SteadyClock::duration::max();  // it always takes most of a second, which a busy machine may stretch
    for (int attempt = 0; fastest >= 1s && attempt < 5; ++attempt) {
      FakeUpstream upstream;
      upstream.latency_ms = 60'000;
      InstanceProcess instance(binary, upstream.url(), {"--call-timeout", "30s", "--probe-timeout", "60s"});
      std::jthread caller([&] { instance.call(); });
      while (upstream.calls == 0) std::this_thread::yield();
      const auto asked = SteadyClock::now();
      instance.process.send_signal(signal);
      CHECK(instance.process.wait(20s) == 0);
      fastest = std::min(fastest, SteadyClock::now() - asked);
    }
    CHECK(fastest < 1s);
  }
}
