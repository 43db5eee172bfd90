// 3 processes with 8 threads each call the real upstream over HTTP through one shared breaker. The window in Redis must
// agree with the upstream's own ledger of what it received.
#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <numeric>
#include <sstream>
#include <thread>
#include <vector>

#include "distributed_breaker/upstream_client.hpp"
#include "program/http/http_client.hpp"
#include "program/processes/child_process.hpp"
#include "redis_breaker/fallback_breaker.hpp"
#include "redis_breaker/redis/client_for_test.hpp"
#include "redis_breaker/redis_group.hpp"
#include "redis_breaker/tests/forked_workers_for_test.hpp"

using namespace cb;
using namespace std::chrono_literals;

namespace {

constexpr int calls_each = 50;

struct Upstream {
  Upstream() : process({LAB_BIN_DIR "/unreliable_service", "--port", "0", "--failure-rate", "0.6", "--seed", "7"}) {
    const std::string line = process.wait_for_line("listening on ");
    url = line.substr(line.find("http://"));
  }

  // calls and failures as the upstream received them
  CallCounts ledger() const {
    const auto reply = program::send({.url = url + "/ledger", .timeout = 10s});
    const auto callers = nlohmann::json::parse(reply.body).at("callers");
    CallCounts sum;
    for (const auto& caller : callers) {
      sum.calls += caller.at("received").get<uint32_t>();
      sum.failures += caller.at("failure").get<uint32_t>();
    }
    return sum;
  }

  program::ChildProcess process;
  std::string url;
};

void make_calls(Breaker& breaker, const std::string& url, const std::string& caller) {
  const UpstreamClient upstream(url, caller);
  for (int i = 0; i < calls_each; ++i) {
    Admission admission = breaker.acquire();
    if (auto* permit = std::get_if<Permit>(&admission)) permit->settle(upstream.call(20s).outcome);
  }
}

// Returns the number of late results; each process's exit code is its part.
uint32_t run_fleet(const TestRedis& server, const std::string& url, const Policy& policy) {
  const auto codes = exit_codes_of([&](int process) {
    const std::string caller = "Instance-" + std::to_string(process);
    redis::Client client(redis::parse_url(server.server.url()), 20s);
    FallbackBreaker breaker(redis_group(client, policy, Listener{}, caller), {"ledger"});
    on_all_threads([&](int) { make_calls(breaker, url, caller); });
    const DetailedStatus status = breaker.detailed_status();
    return status.store.local_calls == 0 ? static_cast<int>(status.late_results) : 255;
  });
  for (const int code : codes) REQUIRE(code != 255);
  return std::accumulate(codes.begin(), codes.end(), 0U);
}

// Read from the key, bypassing the breaker.
CallCounts window_in(TestRedis& redis) {
  std::istringstream stored(redis.cli({"GET", "cb:ledger:window"}));
  int64_t newest = 0;
  char slash = '/';
  CallCounts sum, bucket;
  for (stored >> newest; stored >> bucket.calls >> slash >> bucket.failures >> slash >> bucket.slow;) {
    sum.calls += bucket.calls;
    sum.failures += bucket.failures;
    sum.slow += bucket.slow;
  }
  return sum;
}

}  // namespace

TEST_CASE("the sliding window in Redis and the upstream's ledger count the same calls and the same failures") {
  TestRedis redis;
  const Upstream upstream;
  const Policy never_opens{.failure_threshold = 0,
                           .failure_rate_threshold = 1,
                           .sliding_window_size = 1h,
                           .minimum_number_of_calls = 1'000'000};
  CHECK(run_fleet(redis, upstream.url, never_opens) == 0);
  const CallCounts received = upstream.ledger();
  CHECK(received.calls == processes * threads * calls_each);
  CHECK(window_in(redis) == received);
}

TEST_CASE("when the window opens the circuit, ledger and window differ by exactly the late results") {
  TestRedis redis;
  const Upstream upstream;
  const Policy policy{.failure_threshold = 0,
                      .failure_rate_threshold = 0.5,
                      .sliding_window_size = 1h,
                      .minimum_number_of_calls = 300,
                      .recovery_timeout = 1h};
  const uint32_t late = run_fleet(redis, upstream.url, policy);
  CHECK(redis.cli({"GET", "cb:ledger:state"}) == "open");
  CHECK(window_in(redis).calls >= 300);
  CHECK(window_in(redis).calls + late == upstream.ledger().calls);
}
