// What a shared breaker has beside the table is written twice: in Lua, for Redis, and in C++ for all other stores.
// Three instances report the same random events to both.
#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <vector>

#include "redis_breaker/redis/client_for_test.hpp"
#include "redis_breaker/script/redis_store.hpp"
#include "simple_breaker/traces/random_events.hpp"
#include "store_breaker/tests/cas_table_for_test.hpp"

using namespace cb;

namespace {

constexpr size_t instances = 3;

Script script_with_held_time() {
  const std::string shipped = "redis.call('TIME')";
  Script script = breaker_script_source();
  script.source.replace(script.source.find(shipped), shipped.size(), "redis.call('MGET', 'test:s', 'test:us')");
  return script;
}

// What both must agree on, beside the replies. (Redis moves the window on only for a look.)
Snapshot shown(const Answer& answer) {
  Snapshot snapshot;
  snapshot.state = answer.state;
  snapshot.generation = answer.generation;
  snapshot.counts.failures = answer.failures;
  snapshot.open_until = answer.now + answer.wait;
  snapshot.mode = answer.active_override.mode;
  snapshot.mode_until = answer.override_until.value_or(TimePoint{});
  return snapshot;
}

// The instances take turns.
class FleetTable : public Table {
 public:
  Reply apply(const Event& event, TimePoint now) final {
    latest_ = ask(turn_++ % instances, event, now);
    return latest_.replies.front();
  }
  Snapshot snapshot() final { return shown(latest_); }
  const Answer& latest() const { return latest_; }

 private:
  virtual Answer ask(size_t instance, const Event& event, TimePoint now) = 0;
  Answer latest_;
  size_t turn_ = 0;
};

class CasFleetTable final : public FleetTable {
 public:
  CasFleetTable(const Policy& policy, TimePoint begins) : fleet_(policy, begins, instances) {
    apply(Acquire{}, begins);
  }

 private:
  Answer ask(size_t instance, const Event& event, TimePoint now) override {
    fleet_.now = now;
    return fleet_.ask(instance, {event});
  }
  CasFleet fleet_;
};

class RedisFleetTable final : public FleetTable {
 public:
  RedisFleetTable(TestRedis& redis, const Policy& policy, TimePoint begins) : redis_(redis) {
    redis_.cli({"FLUSHALL"});
    Script script = script_with_held_time();
    script.sha1 = redis_.cli({"SCRIPT", "LOAD", script.source});
    for (size_t i = 0; i < instances; ++i) {
      stores_.push_back(std::make_unique<RedisStore>(redis.client, policy, "tester-" + std::to_string(i), script));
    }
    apply(Acquire{}, begins);
  }

 private:
  Answer ask(size_t instance, const Event& event, TimePoint now) override {
    const int64_t count = now.time_since_epoch().count();
    redis_.cli({"MSET", "test:s", std::to_string(count / 1'000'000), "test:us", std::to_string(count % 1'000'000)});
    const StoreResult result = stores_[instance]->apply("traced", {.is_count_due = false}, {event});
    const auto* trouble = std::get_if<StoreTrouble>(&result);
    REQUIRE_MESSAGE(trouble == nullptr, trouble->what);
    return std::get<Answer>(result);
  }

  TestRedis& redis_;
  std::vector<std::unique_ptr<RedisStore>> stores_;
};

}  // namespace

TEST_CASE("with a quorum of reporters, a store that can compare-and-set answers as Redis does") {
  TestRedis redis;
  unsigned openings = 0;
  for (unsigned seed = 1; seed <= 60; ++seed) {
    RandomEvents events(seed);
    Policy policy = events.policy();
    policy.minimum_reporting_instances = 1 + static_cast<int>(seed % 3);
    RedisFleetTable in_redis(redis, policy, events.now());
    CasFleetTable in_store(policy, events.now());
    for (int event = 0; event < 150; ++event) {
      CAPTURE(seed);
      CAPTURE(event);
      REQUIRE(events.step(in_redis, in_store) == "");
      REQUIRE(in_redis.latest().active_override == in_store.latest().active_override);
    }
    for (const auto& [cause, times] : events.causes()) openings += cause.find("consecutive") != cause.npos ? times : 0;
  }
  CHECK(openings > 60);
}
