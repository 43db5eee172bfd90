// One synchronizer that serves many breakers.
#include <doctest/doctest.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "redis_breaker/tests/shared_instance_for_test.hpp"

using namespace cb;
using namespace std::chrono_literals;

TEST_CASE("two breakers of one name in one group: the second one receives pushes too") {
  TestRedis server;
  const auto second_sees_it = [&] {
    server.cli({"FLUSHALL"});
    const auto group = redis_group(server.client, one_failure);
    FallbackBreaker first(group, {"x"});
    FallbackBreaker second(group, {"x"});
    std::get<Permit>(second.acquire()).settle(Outcome::success);
    REQUIRE(eventually([&] { return second.view().is_fresh() || (second.status(), false); }));
    server.cli({"SET", "cb:x:state", "open"});
    return eventually([&] { return second.known_state() == State::open; }, 4s);
  };
  CHECK(happens_before_any_poll(second_sees_it));
}

TEST_CASE("two breakers of one name in one group: without the first, the second still reports and receives") {
  TestRedis server;
  const auto group = redis_group(server.client, Policy{.failure_rate_threshold = 0.5});
  auto first = std::make_unique<FallbackBreaker>(group, Identity{"x"});
  FallbackBreaker second(group, {"x"});
  std::get<Permit>(second.acquire()).settle(Outcome::ignored);
  first.reset();
  std::get<Permit>(second.acquire()).settle(Outcome::success);
  CHECK(eventually([&] { return second.detailed_status().recent.calls == 1; }));
  server.cli({"SET", "cb:x:state", "open"});
  CHECK(eventually([&] { return second.known_state() == State::open; }));
}

TEST_CASE("a tenant of one service and a service whose name looks like it share nothing") {
  TestRedis server;
  const auto group = redis_group(server.client, one_failure);
  FallbackBreaker tenant(group, {"pay", "cards"}), service(group, {"pay/cards"}), deeper(group, {"pay/cards", "eu"}),
      tenant_with_slash(group, {"pay", "cards/eu"});
  std::get<Permit>(tenant.acquire()).settle(Outcome::failure);
  CHECK(tenant.status().state == State::open);
  CHECK(service.status().state == State::closed);
  std::get<Permit>(deeper.acquire()).settle(Outcome::failure);
  CHECK(tenant_with_slash.status().state == State::closed);
  CHECK(server.cli({"GET", "cb:pay@cards:state"}) == "open");
}

TEST_CASE("FLUSHALL resets every breaker of an instance, also the last of 150") {
  TestRedis server;
  const auto group = redis_group(server.client, one_failure);
  std::vector<std::unique_ptr<FallbackBreaker>> breakers;
  for (int i = 100; i < 250; ++i)
    breakers.push_back(std::make_unique<FallbackBreaker>(group, Identity{"x", std::to_string(i)}));
  FallbackBreaker& last = *breakers.back();
  REQUIRE(last.apply_override({Mode::forced_open, "ann", ""}, {}).empty());
  REQUIRE(eventually([&] {
    last.status();
    return last.view().is_fresh();
  }));
  CHECK(std::holds_alternative<Rejection>(last.acquire()));
  server.cli({"FLUSHALL"});
  CHECK(eventually([&] { return std::holds_alternative<Permit>(last.acquire()); }, 5s));
}

TEST_CASE("a group of a thousand names receives pushes") {
  TestRedis server;
  redis::Client client(redis::parse_url(server.server.url()), 1s);
  const auto group = redis_group(client, one_failure);
  std::vector<std::unique_ptr<FallbackBreaker>> breakers;
  for (int i = 0; i < 1000; ++i) {
    breakers.push_back(std::make_unique<FallbackBreaker>(group, Identity{"x-" + std::to_string(i)}));
  }
  FallbackBreaker& last = *breakers.back();
  std::get<Permit>(last.acquire()).settle(Outcome::success);
  server.cli({"SET", "cb:x-999:state", "open"});
  CHECK(eventually([&] { return std::holds_alternative<Rejection>(last.acquire()); }));
}
