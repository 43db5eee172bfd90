// When a circuit opens, how long it stays open and how it closes, as callers of an instance see it.
#include <chrono>

#include "distributed_breaker/tests/behaviour_for_test.hpp"

using namespace cb;
using namespace std::chrono_literals;

namespace {

// `before`: just before the break began. The time left plus the time passed since then is at least the whole break,
// however slow the machine is.
void check_break(const InstanceProcess& instance, std::chrono::milliseconds length, SteadyClock::time_point before) {
  const std::chrono::milliseconds left(instance.breaker()["retry_after_ms"].get<int>());
  const auto passed = SteadyClock::now() - before;
  CHECK(left <= length);
  CHECK(left + passed >= length);
}

}  // namespace

TEST_CASE("failures in a row open the circuit, and a success in between resets the count") {
  Fleet fleet;
  const auto instance = fleet.start("--failure-threshold 3 --recovery-timeout 1m");
  for (const int status : {500, 500, 200, 500, 503}) {
    fleet.upstream.status = status;
    CHECK(instance.call().body["state"] == "closed");
  }
  CHECK(instance.breaker()["failures"] == 2);
  const auto before = SteadyClock::now();
  auto tripping = instance.call();
  CHECK(tripping.http_status == 502);
  CHECK(tripping.body["status"] == "failure");
  CHECK(tripping.body["state"] == "open");
  auto blocked = instance.call();
  CHECK(blocked.http_status == 503);
  CHECK(blocked.body["status"] == "blocked");
  CHECK(fleet.upstream.calls == 6);
  CHECK(causes(instance) == std::vector<std::string>{"3 consecutive failures"});
  check_break(instance, 1min, before);
}

TEST_CASE("a blocked call has retry_after_ms, and Retry-After in whole seconds, rounded up") {
  Fleet fleet;
  fleet.upstream.status = 500;
  const auto instance = fleet.start("--failure-threshold 1 --recovery-timeout 90500ms");
  instance.call();
  httplib::Client client(instance.url);
  client.set_read_timeout(30s);
  const auto answer = client.Get("/call");
  REQUIRE(answer);
  const int left_ms = nlohmann::json::parse(answer->body)["retry_after_ms"];
  CHECK(left_ms > 0);
  CHECK(left_ms <= 90'500);
  CHECK(answer->get_header_value("Retry-After") == std::to_string((left_ms + 999) / 1000));
}

TEST_CASE("a share of failures opens the circuit, even if no two are in a row") {
  Fleet fleet;
  const auto instance = fleet.start(
      "--failure-threshold 0 --failure-rate-threshold 0.5 --minimum-number-of-calls 4 --sliding-window-size 1h");
  for (const int status : {500, 200, 200}) {
    fleet.upstream.status = status;
    CHECK(instance.call().body["state"] == "closed");
  }
  CHECK(instance.breaker()["recent"]["calls"] == 3);
  CHECK(instance.breaker()["recent"]["failures"] == 1);
  fleet.upstream.status = 500;
  CHECK(instance.call().body["state"] == "open");
  CHECK(causes(instance) == std::vector<std::string>{"2 of 4 calls failed"});
}

TEST_CASE("slow successes open the circuit, and a slow probe keeps it open") {
  Fleet fleet;
  fleet.upstream.latency_ms = 30;
  const auto instance = fleet.start(
      "--failure-threshold 0 --slow-call-rate-threshold 1 --slow-call-duration-threshold 20ms "
      "--minimum-number-of-calls 2 --sliding-window-size 1h --recovery-timeout 50ms");
  CHECK(instance.call().body["state"] == "closed");
  auto tripping = instance.call();
  CHECK(tripping.http_status == 200);
  CHECK(tripping.body["state"] == "open");
  auto probe = first_admitted(instance);
  CHECK(probe.body["status"] == "success");
  CHECK(probe.body["state"] == "open");
  CHECK(causes(instance) ==
        std::vector<std::string>{"2 of 2 calls were slow", "recovery timeout over", "probe was slow"});
  CHECK(instance.breaker()["slow_calls"] == 3);
}

TEST_CASE("at most permitted_calls_in_half_open probes run at once, and success_threshold of them close the circuit") {
  Fleet fleet;
  fleet.upstream.status = 500;
  const auto instance = fleet.start(
      "--failure-threshold 1 --recovery-timeout 100ms --permitted-calls-in-half-open 2 --success-threshold 3");
  instance.call();
  REQUIRE(happens([&] { return instance.breaker()["retry_after_ms"] == 0; }));
  fleet.upstream.status = 200;
  fleet.upstream.latency_ms = 60'000;
  std::vector<std::jthread> probers;
  for (int i = 0; i < 2; ++i) probers.emplace_back([&] { CHECK(instance.call().body["probe"] == true); });
  REQUIRE(happens([&] { return fleet.upstream.calls == 3; }));
  CHECK(instance.breaker()["probes_in_flight"] == 2);
  auto third = instance.call();
  CHECK(third.http_status == 503);
  CHECK(third.body["state"] == "half_open");
  CHECK(third.body["retry_after_ms"] > 0);
  CHECK(third.body["retry_after_ms"] <= 30'000);  // until the first probe's lease ends
  fleet.upstream.latency_ms = 0;
  probers.clear();
  CHECK(instance.state() == "half_open");
  CHECK(instance.call().body["state"] == "closed");
  CHECK(fleet.upstream.calls == 4);
  CHECK(last_cause(instance) == "3 successful probes");
}

TEST_CASE("each failed probe multiplies the next break, up to the maximum, and closing resets it") {
  Fleet fleet;
  fleet.upstream.status = 500;
  const auto instance = fleet.start(
      "--failure-threshold 1 --recovery-timeout 40ms --recovery-timeout-multiplier 2 "
      "--recovery-timeout-maximum 100ms");
  for (const auto length : {40ms, 80ms, 100ms}) {
    auto before = SteadyClock::now();
    REQUIRE(happens([&] {
      before = SteadyClock::now();
      return is_admitted(instance.call());
    }));
    CHECK(last_cause(instance).find("fail") != std::string::npos);
    check_break(instance, length, before);
  }
  fleet.upstream.status = 200;
  CHECK(first_admitted(instance).body["state"] == "closed");
  fleet.upstream.status = 500;
  const auto before = SteadyClock::now();
  instance.call();
  check_break(instance, 40ms, before);
}

TEST_CASE("while the upstream's health route says down, the circuit stays open beyond recovery_timeout") {
  Fleet fleet;
  fleet.upstream.status = 500;
  fleet.upstream.health_status = 503;
  const auto instance =
      fleet.start("--name Instance-B --failure-threshold 1 --recovery-timeout 10s --health-check-interval 20ms");
  instance.call();
  const auto opened = SteadyClock::now();
  CHECK(happens([&] {
    const auto since = SteadyClock::now() - opened;
    return since + std::chrono::milliseconds(instance.breaker()["retry_after_ms"].get<int>()) > 10s + 200ms;
  }));
  CHECK(fleet.upstream.health_checks > 1);
  CHECK(fleet.upstream.last_health_checker.get() == "Instance-B");
  CHECK(instance.state() == "open");
  CHECK(fleet.upstream.calls == 1);
}

TEST_CASE("once the health route says up, the circuit becomes half-open without a call") {
  Fleet fleet;
  fleet.upstream.status = 500;
  fleet.upstream.health_status = 503;
  const auto instance = fleet.start("--failure-threshold 1 --recovery-timeout 1m --health-check-interval 20ms");
  instance.call();
  REQUIRE(happens([&] { return fleet.upstream.health_checks > 1; }));
  CHECK(instance.state() == "open");
  fleet.upstream.health_status = 200;
  CHECK(happens([&] { return last_cause(instance) == "health check passed"; }));
  CHECK(instance.state() == "half_open");
  CHECK(fleet.upstream.calls == 1);
  fleet.upstream.status = 200;
  CHECK(instance.call().body["state"] == "closed");
}

TEST_CASE("without a health check interval the health route is never called") {
  Fleet fleet;
  fleet.upstream.status = 500;
  const auto instance = fleet.start("--failure-threshold 1 --recovery-timeout 100ms");
  instance.call();
  first_admitted(instance);
  CHECK(fleet.upstream.health_checks == 0);
}

TEST_CASE("an upstream's 404 is a failure with 502 for the caller, and not counted by the breaker") {
  Fleet fleet;
  const auto instance = fleet.start("--failure-threshold 2 --recovery-timeout 1m");
  for (const int status : {404, 404, 500, 404, 404}) {
    fleet.upstream.status = status;
    auto answer = instance.call();
    CHECK(answer.http_status == 502);
    CHECK(answer.body["status"] == "failure");
    CHECK(answer.body["upstream_status"] == status);
    CHECK(answer.body["state"] == "closed");
  }
  CHECK(instance.breaker()["failures"] == 1);
  fleet.upstream.status = 500;
  CHECK(instance.call().body["state"] == "open");
}

TEST_CASE("a probe's 404 neither closes nor opens a half-open circuit, and frees the probe's slot") {
  Fleet fleet;
  fleet.upstream.status = 500;
  const auto instance = fleet.start("--failure-threshold 1 --recovery-timeout 50ms");
  instance.call();
  fleet.upstream.status = 404;
  CHECK(first_admitted(instance).body["probe"] == true);
  CHECK(instance.state() == "half_open");
  auto second = instance.call();
  CHECK(second.body["probe"] == true);
  CHECK(second.body["state"] == "half_open");
  fleet.upstream.status = 200;
  CHECK(instance.call().body["state"] == "closed");
}

TEST_CASE("a listed status counts as a failure even below 500, and an unlisted one does not") {
  Fleet fleet;
  fleet.upstream.status = 503;
  const auto instance = fleet.start("--failure-threshold 1 --failure-status 500-502,429");
  CHECK(instance.call().body["state"] == "closed");
  fleet.upstream.status = 429;
  CHECK(instance.call().body["state"] == "open");
}
