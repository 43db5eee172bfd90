// The upstream call, and the protections around it: retries, their budget, a deadline, a bulkhead and fallbacks.
#include <chrono>

#include "distributed_breaker/tests/behaviour_for_test.hpp"
#include "program/processes/descriptor_limit.hpp"

using namespace cb;
using namespace std::chrono_literals;
using nlohmann::json;

TEST_CASE("a call that the upstream answers is a 200 with the instance's name") {
  Fleet fleet;
  const auto instance = fleet.start("--name Instance-A");
  const auto answer = instance.call();
  CHECK(answer.http_status == 200);
  CHECK(answer.body["instance"] == "Instance-A");
  CHECK(answer.body["status"] == "success");
  CHECK(answer.body["state"] == "closed");
  CHECK(fleet.upstream.last_caller.get() == "Instance-A");
  CHECK(instance.get("/health").http_status == 200);
}

TEST_CASE("no answer in time is a 504 after the call timeout, and counts as a failure") {
  Fleet fleet;
  fleet.upstream.latency_ms = 60'000;
  const auto instance = fleet.start("--call-timeout 100ms");
  const auto start = SteadyClock::now();
  const auto answer = instance.call();
  const auto took = SteadyClock::now() - start;
  CHECK(took >= 100ms);
  CHECK(took < 10s);
  CHECK(answer.http_status == 504);
  CHECK(answer.body["status"] == "exception");
  CHECK(instance.breaker()["failures"] == 1);
}

TEST_CASE("a failing upstream is called max_attempts times, and each attempt counts") {
  Fleet fleet;
  fleet.upstream.status = 500;
  const auto instance = fleet.start("--max-attempts 3 --retry-backoff 1ms --failure-threshold 10");
  auto answer = instance.call();
  CHECK(answer.http_status == 502);
  CHECK(answer.body["attempts"] == 3);
  CHECK(answer.body["upstream_calls"] == 3);
  CHECK(answer.body["ended"] == "failed");
  CHECK(fleet.upstream.calls == 3);
  CHECK(instance.breaker()["failures"] == 3);
  CHECK(instance.status()["calls"]["failure"] == 1);
}

TEST_CASE("status shows a failed call once, with the time of its last attempt and the number of its attempts") {
  Fleet fleet;
  fleet.upstream.status = 500;
  const auto instance = fleet.start("--max-attempts 3 --retry-backoff 20ms --retry-jitter 0 --failure-threshold 10");
  const int64_t before_ms = now_ms();
  const auto answer = instance.call();
  const int64_t after_ms = now_ms();
  const json calls = instance.status()["notable_calls"];
  REQUIRE(calls.size() == 1);
  CHECK(calls[0]["status"] == "failure");
  CHECK(calls[0]["upstream_calls"] == 3);
  CHECK(calls[0]["generation"] == answer.body["generation"]);
  CHECK(calls[0]["at_ms"] >= before_ms + 60);  // after waits of 20 ms and 40 ms
  CHECK(calls[0]["at_ms"] <= after_ms);
}

TEST_CASE("status shows successful probes and late results, but no plain successes and no rejections") {
  Fleet fleet;
  fleet.upstream.latency_ms = 60'000;
  const auto instance = fleet.start();
  std::jthread slow([&] { CHECK(instance.call().body["late"] == true); });
  REQUIRE(happens([&] { return fleet.upstream.calls == 1; }));
  instance.override(override_request("forced_open"));
  fleet.upstream.latency_ms = 0;
  slow.join();
  CHECK(instance.call().http_status == 503);
  instance.override(override_request("auto"));
  const auto probe = first_admitted(instance);
  CHECK(instance.call().http_status == 200);
  const json calls = instance.status()["notable_calls"];
  REQUIRE(calls.size() == 2);
  CHECK(calls[0]["late"] == true);
  CHECK(calls[0]["probe"] == false);
  CHECK(calls[0]["status"] == "success");
  CHECK(calls[0]["generation"] < calls[1]["generation"]);
  CHECK(calls[1]["probe"] == true);
  CHECK(calls[1]["late"] == false);
  CHECK(calls[1]["generation"] == probe.body["generation"]);
  CHECK(calls[0]["number"] == 1);
  CHECK(calls[1]["number"] == 2);
}

TEST_CASE("a status has the date when it was written, by the clock of its events") {
  Fleet fleet;
  fleet.upstream.status = 500;
  const auto instance = fleet.start();
  instance.call();
  const json status = instance.status();
  const json& call = status["notable_calls"][0];
  const auto age_by_dates = status["at_ms"].get<int64_t>() - call["at_ms"].get<int64_t>();
  CHECK(age_by_dates - call["age_ms"].get<int64_t>() >= 0);
  CHECK(age_by_dates - call["age_ms"].get<int64_t>() <= 1);  // each is a whole number
}

TEST_CASE("attempts that find no connection are a 504 and no upstream calls") {
  const Fleet fleet;
  const auto instance = fleet.start_at("http://127.0.0.1:1", "--max-attempts 3 --retry-backoff 1ms");
  auto answer = instance.call();
  CHECK(answer.http_status == 504);
  CHECK(answer.body["attempts"] == 3);
  CHECK(answer.body["upstream_calls"] == 0);
  const json calls = instance.status()["notable_calls"];
  REQUIRE(calls.size() == 1);
  CHECK(calls[0]["status"] == "exception");
  CHECK(calls[0]["upstream_calls"] == 0);
}

TEST_CASE("retries are rejected by the breaker that their own failures opened") {
  Fleet fleet;
  fleet.upstream.status = 500;
  const auto instance = fleet.start("--max-attempts 5 --retry-backoff 1ms --failure-threshold 2 --recovery-timeout 1m");
  auto answer = instance.call();
  CHECK(answer.http_status == 502);
  CHECK(answer.body["state"] == "open");
  CHECK(answer.body["attempts"] == 2);
  CHECK(answer.body["ended"] == "breaker_refused");
  auto blocked = instance.call();
  CHECK(blocked.body["status"] == "blocked");
  CHECK(blocked.body["blocked_by"] == "breaker");
  CHECK(blocked.body["attempts"] == 0);
  CHECK(fleet.upstream.calls == 2);
}

TEST_CASE("a success and a mistake of the caller are not retried") {
  Fleet fleet;
  const auto instance = fleet.start("--max-attempts 3 --retry-backoff 1ms");
  for (const auto& [status, ended] : {std::pair{200, "answered"}, {404, "failed"}}) {
    fleet.upstream.status = status;
    auto answer = instance.call();
    CHECK(answer.body["attempts"] == 1);
    CHECK(answer.body["ended"] == ended);
  }
  CHECK(fleet.upstream.calls == 2);
}

TEST_CASE("a deadline ends a call whose retries would go on") {
  Fleet fleet;
  fleet.upstream.status = 500;
  const auto instance = fleet.start(
      "--max-attempts 10 --retry-backoff 1h --retry-backoff-maximum 1h --retry-jitter 0 --deadline 10s "
      "--failure-threshold 100");
  const auto start = SteadyClock::now();
  auto answer = instance.call();
  CHECK(answer.body["ended"] == "deadline_over");
  CHECK(answer.body["status"] == "failure");
  CHECK(answer.body["attempts"] == 1);
  CHECK(SteadyClock::now() - start < 10s);  // it does not wait in vain
}

TEST_CASE("a deadline ends a call to a hung upstream") {
  Fleet fleet;
  fleet.upstream.latency_ms = 60'000;
  const auto instance = fleet.start("--deadline 100ms");
  const auto start = SteadyClock::now();
  auto answer = instance.call();
  CHECK(SteadyClock::now() - start < 10s);
  CHECK(answer.http_status == 504);
  CHECK(answer.body["status"] == "exception");
  CHECK(answer.body["ended"] == "deadline_over");
  // On a machine so busy that less than half of the deadline was left for the attempt, it does not count: try again.
  CHECK(happens([&] { return instance.breaker()["failures"] >= 1 || instance.call().http_status != 504; }));
  CHECK(instance.breaker()["failures"] >= 1);
}

TEST_CASE("once the retry budget is spent, a call has one attempt") {
  Fleet fleet;
  fleet.upstream.status = 500;
  const auto instance = fleet.start("--max-attempts 2 --retry-backoff 1ms --retry-budget 0.1 --failure-threshold 1000");
  CHECK(instance.call().body["attempts"] == 2);  // a new process may retry once
  auto answer = instance.call();
  CHECK(answer.body["attempts"] == 1);
  CHECK(answer.body["ended"] == "retry_budget_empty");
}

TEST_CASE("with all slots taken a call is blocked by the bulkhead and nothing is sent") {
  Fleet fleet;
  fleet.upstream.latency_ms = 60'000;
  const auto instance = fleet.start("--max-concurrent-calls 1");
  std::jthread first([&] { CHECK(instance.call().http_status == 200); });
  REQUIRE(happens([&] { return fleet.upstream.calls == 1; }));
  auto second = instance.call();
  CHECK(second.http_status == 503);
  CHECK(second.body["status"] == "blocked");
  CHECK(second.body["blocked_by"] == "bulkhead");
  CHECK(second.body["ended"] == "bulkhead_full");
  CHECK(second.body["upstream_calls"] == 0);
  CHECK(instance.status()["call"]["running"] == 1);
  fleet.upstream.latency_ms = 0;
  first.join();
  CHECK(instance.call().http_status == 200);
  CHECK(instance.breaker()["failures"] == 0);
  CHECK(fleet.upstream.calls == 2);
  CHECK(instance.status()["notable_calls"].empty());
}

TEST_CASE("a call may wait in the queue for a slot") {
  Fleet fleet;
  fleet.upstream.latency_ms = 60'000;
  const auto instance = fleet.start("--max-concurrent-calls 1 --max-queued-calls 1");
  std::jthread first([&] { CHECK(instance.call().http_status == 200); });
  REQUIRE(happens([&] { return fleet.upstream.calls == 1; }));
  std::jthread second([&] { CHECK(instance.call().http_status == 200); });
  REQUIRE(happens([&] { return instance.status()["call"]["queued"] == 1; }));
  CHECK(instance.call().body["blocked_by"] == "bulkhead");
  fleet.upstream.latency_ms = 0;
}

TEST_CASE("an open circuit rejects before the bulkhead's queue, with its own retry_after") {
  Fleet fleet;
  fleet.upstream.latency_ms = 60'000;
  const auto instance = fleet.start("--max-concurrent-calls 1 --max-queued-calls 5 --recovery-timeout 40s");
  std::jthread first([&] { instance.call(); });
  REQUIRE(happens([&] { return fleet.upstream.calls == 1; }));
  instance.override(override_request("forced_open"));
  auto blocked = instance.call();  // while the only slot is taken
  CHECK(blocked.body["blocked_by"] == "breaker");
  CHECK(blocked.body["retry_after_ms"] == 40'000);
  CHECK(instance.status()["call"]["running"] == 1);
  fleet.upstream.latency_ms = 0;
}

TEST_CASE("a hung upstream opens the circuit, however little time the bulkhead's queue leaves to an attempt") {
  Fleet fleet;
  fleet.upstream.latency_ms = 60'000;
  const auto instance = fleet.start(
      "--call-timeout 300ms --deadline 300ms --max-concurrent-calls 2 --max-queued-calls 50 --recovery-timeout 1m");
  std::atomic<bool> done{false};
  std::vector<std::jthread> callers;
  for (int i = 0; i < 20; ++i) {
    callers.emplace_back([&] {
      while (!done) {
        if (instance.call().body["status"] == "blocked") std::this_thread::sleep_for(10ms);
      }
    });
  }
  CHECK(happens([&] { return instance.state() == "open"; }));
  done = true;
  callers.clear();
  CHECK(fleet.upstream.calls < 50);
}

TEST_CASE("a fixed fallback is a 200 for the caller, and its status still shows what happened") {
  Fleet fleet;
  fleet.upstream.status = 500;
  const auto instance = fleet.start(
      R"(--fallback fixed --fallback-answer {"price":null,"note":"later"} --failure-threshold 1 --recovery-timeout 1m)");
  for (const char* status : {"failure", "blocked"}) {
    auto answer = instance.call();
    CHECK(answer.http_status == 200);
    CHECK(answer.body["status"] == status);
    CHECK(answer.body["state"] == "open");
    CHECK(answer.body["fallback"] == json{{"answer", {{"price", nullptr}, {"note", "later"}}}, {"age_ms", 0}});
  }
  CHECK(instance.status()["calls"] == json{{"success", 0}, {"failure", 1}, {"exception", 0}, {"blocked", 1}});
}

TEST_CASE("the last good answer carries its age; before the first success the caller gets the error") {
  Fleet fleet;
  fleet.upstream.status = 500;
  const auto instance = fleet.start("--fallback last-good --failure-threshold 100");
  auto nothing_yet = instance.call();
  CHECK(nothing_yet.http_status == 502);
  CHECK_FALSE(nothing_yet.body.contains("fallback"));
  fleet.upstream.status = 200;
  fleet.upstream.body.set(R"({"price":7})");
  CHECK_FALSE(instance.call().body.contains("fallback"));
  const auto good = SteadyClock::now();
  fleet.upstream.status = 500;
  fleet.upstream.body.set(R"({"error":"no price"})");
  InstanceProcess::Answer answer{};
  CHECK(happens([&] {
    answer = instance.call();
    return answer.body["fallback"]["age_ms"] >= 20;
  }));
  CHECK(answer.http_status == 200);
  CHECK(answer.body["status"] == "failure");
  CHECK(answer.body["upstream_status"] == 500);
  CHECK(answer.body["fallback"]["answer"] == json{{"price", 7}});
  CHECK(answer.body["fallback"]["age_ms"] <= (SteadyClock::now() - good) / 1ms + 10'000);
}

TEST_CASE("a last good answer that is not JSON is given as text, even if it is not UTF-8") {
  Fleet fleet;
  fleet.upstream.body.set("7 \xff");
  const auto instance = fleet.start("--fallback last-good --failure-threshold 100");
  instance.call();
  fleet.upstream.status = 500;
  auto answer = instance.call();
  CHECK(answer.http_status == 200);
  CHECK(holds(answer.body["fallback"]["answer"], "7 "));
}

TEST_CASE("a last good answer that only some parsers read as JSON is given as text") {
  using namespace std::string_literals;
  for (const std::string& good : {"\xEF\xBB\xBF{\"price\":7}"s, "{\"price\":7}\0"s, "{\"price\":7}\0\"}"s}) {
    Fleet fleet;
    fleet.upstream.body.set(good);
    const auto instance = fleet.start("--fallback last-good --failure-threshold 100");
    instance.call();
    fleet.upstream.status = 500;
    auto answer = instance.call();
    CHECK(answer.http_status == 200);
    CHECK(holds(answer.body["fallback"]["answer"], "price"));
  }
}

TEST_CASE("a last good answer may be nested deeply and have many fields") {
  Fleet fleet;
  const auto instance = fleet.start("--fallback last-good --failure-threshold 100");
  std::string many = R"({"0":0)";
  for (int i = 1; i < 5000; ++i) many += ",\"" + std::to_string(i) + "\":0";
  for (const std::string& good : {std::string(30'000, '[') + std::string(30'000, ']'), many + "}"}) {
    fleet.upstream.status = 200;
    fleet.upstream.body.set(good);
    instance.call();
    fleet.upstream.status = 500;
    auto answer = instance.call();
    CHECK(answer.http_status == 200);
    CHECK(answer.body["fallback"]["answer"].size() == (good.front() == '[' ? 1 : 5000));
  }
}

TEST_CASE("calls that fail for lack of descriptors are ignored: the circuit stays closed, and the instance says why" *
          doctest::skip(!program::works_without_descriptors)) {
  Fleet fleet;
  auto instance = fleet.start("--failure-threshold 1 --max-attempts 3");
  CHECK(instance.call().http_status == 200);
  InstanceProcess::Answer answer{};
  const auto fails = [&] {
    const program::DescriptorLimit one(1, instance.process.pid());  // for the connection of the call
    answer = instance.call();
    return answer.http_status == 504;
  };
  REQUIRE(happens(fails));
  CHECK(answer.body["status"] == "exception");
  CHECK(answer.body["state"] == "closed");
  CHECK(answer.body["error"] == "local cause: Too many open files (EMFILE)");
  CHECK(answer.body["attempts"] == 1);  // a retry would need a descriptor, too
  CHECK(answer.body["upstream_calls"] == 0);
  CHECK(instance.breaker()["failures"] == 0);
  const int errors = instance.breaker()["local_errors"];
  CHECK(errors >= 1);
  CHECK(holds(program::send({.url = instance.url + "/metrics", .timeout = 20s}).body,
              "circuit_breaker_local_errors_total{breaker=\"unreliable_service\"} " + std::to_string(errors)));
  CHECK(instance.call().http_status == 200);
  CHECK(holds(instance.process.output(), "local cause: Too many open files (EMFILE); the breaker ignores it"));
}

TEST_CASE("a probe whose answer is longer than the instance takes gives its slot back, and decides nothing") {
  Fleet fleet;
  const auto instance = fleet.start("--failure-threshold 1 --recovery-timeout 50ms");
  fleet.upstream.body.set(std::string(2 << 20, ' '));
  for (int i = 0; i < 3; ++i) CHECK(instance.call().http_status == 504);
  CHECK(instance.state() == "closed");
  CHECK(instance.breaker()["local_errors"] == 3);
  fleet.upstream.status = 500;
  CHECK(instance.call().http_status == 502);  // it failed, however long its answer is
  fleet.upstream.status = 200;
  const auto probe = first_admitted(instance);
  CHECK(holds(probe.body["error"], "local cause: the answer is longer"));
  CHECK(probe.body["probe"] == true);
  CHECK(probe.body["upstream_calls"] == 1);
  CHECK(probe.body["state"] == "half_open");
  fleet.upstream.body.set("{}");
  CHECK(instance.call().http_status == 200);  // the slot is free
  CHECK(instance.state() == "closed");
}
