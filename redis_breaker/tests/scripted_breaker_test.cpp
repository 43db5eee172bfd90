// The step between the naive breaker and the cached one: correct, and helpless without its store.
#include "redis_breaker/scripted_breaker.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <vector>

#include "redis_breaker/tests/shared_instance_for_test.hpp"

using namespace cb;
using namespace std::chrono_literals;

namespace {

struct Scripted {
  Scripted(TestRedis& redis, const Policy& policy)
      : client(redis::parse_url(redis.server.url()), 5s),
        group(redis_group(client, policy, [this](const Notice& notice) { causes.emplace_back(notice.cause); })),
        breaker(group, {"x"}) {}

  Settled call(Outcome outcome) { return permit(breaker).settle(outcome); }
  bool rejected() { return std::holds_alternative<Rejection>(breaker.acquire()); }

  redis::Client client;
  std::vector<std::string> causes;
  std::shared_ptr<const SharedBreakerGroup> group;
  ScriptedBreaker breaker;
};

}  // namespace

TEST_CASE("scripted breakers share the count, reject together, and send one probe") {
  TestRedis redis;
  const Policy policy{.failure_threshold = 2, .recovery_timeout = 10min};
  Scripted a(redis, policy), b(redis, policy);
  CHECK(a.call(Outcome::failure).state == State::closed);
  Permit late = permit(b.breaker);
  CHECK(b.call(Outcome::failure).state == State::open);
  CHECK(a.rejected());
  CHECK(late.settle(Outcome::failure).late);
  CHECK(b.breaker.detailed_status().late_results == 1);
  redis.cli({"HSET", "cb:x:breaker", "open_until", "1"});  // the break is over
  Permit probe = permit(a.breaker);
  CHECK(b.rejected());
  CHECK(probe.settle(Outcome::success).state == State::closed);
  CHECK_FALSE(b.rejected());
  CHECK(a.causes == std::vector<std::string>{"not permitted", "recovery timeout over", "1 successful probe"});
}

TEST_CASE("an override of a scripted breaker holds for all instances") {
  TestRedis redis;
  Scripted a(redis, one_failure), b(redis, one_failure);
  CHECK(a.breaker.apply_override({Mode::forced_open, "ann", ""}, 1min) == "");
  CHECK(b.rejected());
  CHECK(b.breaker.detailed_status().active_override.actor == "ann");
  CHECK(b.breaker.detailed_status().store.name == "redis, scripted");
}

TEST_CASE("without its store a scripted breaker waits for it and then admits every call, and says why") {
  TestRedis redis;
  Scripted a(redis, one_failure);
  CHECK(a.call(Outcome::failure).state == State::open);
  redis.server.process().send_signal(SIGKILL);
  REQUIRE(eventually([&] { return !a.rejected(); }));
  CHECK_FALSE(a.call(Outcome::failure).late);
  CHECK(a.breaker.detailed_status().store.error != "");
  CHECK(a.breaker.detailed_status().store.errors > 0);
  CHECK(a.breaker.apply_override({Mode::reset, "ann", ""}, 0ms) != "");
}
