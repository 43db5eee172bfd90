// Stage 3 as its users run it: real instances, a real Redis, real kills.
#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <sstream>

#include "distributed_breaker/tests/instance_for_test.hpp"
#include "program/http/http_client.hpp"
#include "program/processes/fair_stopwatch.hpp"
#include "redis_breaker/redis/client_for_test.hpp"

using namespace cb;
using namespace std::chrono_literals;

namespace {

using SteadyClock = std::chrono::steady_clock;

using Options = std::vector<std::string>;

// Long deadlines unless the options set others: on a busy machine a short one would make an instance use its local
// breaker, which is not what is tested.
Options patient(Options options = {}) {
  const bool has_own = std::find(options.begin(), options.end(), "--call-timeout") != options.end();
  if (!has_own) options.insert(options.end(), {"--call-timeout", "20s", "--probe-timeout", "30s"});
  options.insert(options.end(), {"--redis-timeout", "10s"});
  return options;
}

InstanceProcess start(const TestRedis& redis, const FakeUpstream& upstream, const Options& options = {}) {
  Options all = patient(options);
  all.insert(all.end(), {"--redis", redis.server.url()});
  return {"redis_breaker", upstream.url(), std::move(all)};
}

}  // namespace

TEST_CASE("three instances share failures: a dead upstream receives only the threshold") {
  FakeUpstream upstream;
  upstream.status = 500;
  TestRedis redis;
  const auto a = start(redis, upstream), b = start(redis, upstream), c = start(redis, upstream);
  a.call();
  b.call();
  CHECK(c.call().body["state"] == "open");
  for (const auto* instance : {&a, &b, &c}) {
    CHECK(happens([&] { return instance->state() == "open"; }));
    CHECK(instance->call().body["status"] == "blocked");
  }
  CHECK(upstream.calls == 3);
  size_t reported = 0;
  for (const auto* instance : {&a, &b, &c}) reported += instance->get("/status").body["transitions"].size();
  CHECK(reported == 1);
}

TEST_CASE("kill -9 of the instance that holds the probe costs one lease and one break") {
  FakeUpstream upstream;
  upstream.status = 500;
  TestRedis redis;
  constexpr auto lease = 3s;
  const Options options{"--failure-threshold", "1",      "--recovery-timeout", "50ms",
                        "--call-timeout",      "2900ms", "--probe-timeout",    "3s"};
  auto prober = start(redis, upstream, options);
  const auto other = start(redis, upstream, options);
  other.call();
  REQUIRE(happens([&] { return prober.state() == "open"; }));  // otherwise it may still admit calls
  upstream.status = 200;
  upstream.latency_ms = 60'000;
  const int before = upstream.calls;
  std::jthread caller([&] { happens([&] { return prober.call().body["status"] != "blocked"; }); });
  REQUIRE(happens([&] { return upstream.calls > before; }));
  prober.process.send_signal(SIGKILL);
  const auto killed = SteadyClock::now();
  prober.process.wait(5s);
  upstream.latency_ms = 0;
  CHECK(happens([&] { return other.call().body["state"] == "half_open"; }));
  CHECK(happens([&] { return other.call().http_status == 200; }));
  CHECK(SteadyClock::now() - killed < 2 * lease - 500ms);
  CHECK(other.state() == "closed");
}

TEST_CASE("while Redis is down every call is answered in time, and the status shows it") {
  FakeUpstream upstream;
  TestRedis redis;
  const auto instance = start(redis, upstream);
  instance.call();
  redis.server.process().send_signal(SIGKILL);
  redis.server.process().wait(5s);
  auto fastest = SteadyClock::duration::max();
  for (int i = 0; i < 5; ++i) {
    const auto start = SteadyClock::now();
    CHECK(instance.call().http_status == 200);
    CHECK(SteadyClock::now() - start < 10s);
    fastest = std::min(fastest, SteadyClock::now() - start);
  }
  CHECK(fastest < 500ms);
  const auto status = instance.get("/status").body;
  CHECK(status["breaker"]["store"] == "local");
  CHECK(status["breaker"]["store_error"].get<std::string>().find("redis://127.0.0.1:") == 0);
  const std::string line = "using a local breaker until Redis recovers";
  CHECK(happens([&] { return contains(instance.process.output(), line); }));
  const std::string log = instance.process.output();
  CHECK(log.find(line) == log.rfind(line));
  const std::string metrics = program::send({.url = instance.url + "/metrics", .timeout = 5s}).body;
  CHECK(metrics.find("circuit_breaker_store_joined{breaker=\"unreliable_service\"} 0") != std::string::npos);
}

TEST_CASE("an instance starts without Redis, and uses the shared breaker once Redis is up") {
  FakeUpstream upstream;
  TestRedis redis;
  redis.server.process().send_signal(SIGKILL);
  redis.server.process().wait(5s);
  const auto instance = start(redis, upstream, {"--failure-threshold", "1"});
  CHECK(instance.call().http_status == 200);
  redis.server.restart();
  REQUIRE(happens([&] { return instance.breaker()["store"] == "redis"; }));
  upstream.status = 500;
  CHECK(instance.call().body["state"] == "open");
  CHECK(instance.call().body["status"] == "blocked");
}

TEST_CASE("an invalid value in Redis does not break the JSON of the status") {
  FakeUpstream upstream;
  TestRedis redis;
  const auto instance = start(redis, upstream);
  redis.cli({"SET", "cb:unreliable_service:state", "\xff\xfe"});
  CHECK(instance.call().http_status == 200);
  CHECK(instance.get("/status").http_status == 200);
}

TEST_CASE("a password comes from the environment, and appears in no log and no command line") {
  FakeUpstream upstream;
  TestRedis redis;
  redis.cli({"CONFIG", "SET", "requirepass", "open-sesame"});
  setenv("REDIS_URL", ("redis://:open-sesame@127.0.0.1:" + std::to_string(redis.server.port())).c_str(), 1);
  const InstanceProcess instance("redis_breaker", upstream.url(), patient());
  unsetenv("REDIS_URL");
  CHECK(instance.call().http_status == 200);
  CHECK(instance.get("/status").body["breaker"]["store"] == "redis");
  CHECK(instance.process.output().find("open-sesame") == std::string::npos);
  std::ostringstream command_line;
  command_line << std::ifstream("/proc/" + std::to_string(instance.process.pid()) + "/cmdline").rdbuf();
  CHECK(command_line.str().find("redis_breaker") != std::string::npos);
  CHECK(command_line.str().find("open-sesame") == std::string::npos);
}

TEST_CASE("an instance stops within a second while Redis hangs") {
  FakeUpstream upstream;
  TestRedis redis;
  InstanceProcess instance("redis_breaker", upstream.url(), {"--redis-timeout", "1s", "--redis", redis.server.url()});
  instance.call();
  redis.server.process().send_signal(SIGSTOP);
  CHECK(happens([&] { return instance.get("/status").body["breaker"]["store"] == "local"; }));
  const program::FairStopwatch stopwatch;
  instance.process.send_signal(SIGTERM);
  CHECK(instance.process.wait(20s) == 0);
  CHECK(stopwatch.elapsed() < std::chrono::milliseconds(LAB_END_WITHIN_MS));
  redis.server.process().send_signal(SIGCONT);
}

TEST_CASE("an invalid option of stage 3 is reported in one line, without the password") {
  const std::string binary = LAB_BIN_DIR "/redis_breaker";
  for (const std::string url : {"http://x", "redis://:hidden@h:0x1", "unix://x"}) {
    const Ended ended = run_to_end({binary, "--port", "0", "--redis", url});
    CAPTURE(ended.output);
    CHECK(ended.exit_code == 2);
    CHECK(ended.output.rfind("error: redis: ", 0) == 0);
    CHECK(ended.output.find("hidden") == std::string::npos);
  }
  CHECK(run_to_end({binary, "--store", "cassandra"}).exit_code == 2);
  CHECK(run_to_end({binary, "--redis-timeout", "0ms"}).exit_code == 2);
  CHECK(run_to_end({binary, "--redis-prefix", "{shop}"}).exit_code == 2);
}

TEST_CASE("the naive store does not start without Redis, and says why") {
  const std::string binary = LAB_BIN_DIR "/redis_breaker";
  const Ended ended = run_to_end({binary, "--port", "0", "--redis", "redis://127.0.0.1:1", "--store", "naive"});
  CHECK(ended.exit_code == 1);
  CHECK(ended.output.find("error: redis://127.0.0.1:1/0: Connection refused") != std::string::npos);
}
