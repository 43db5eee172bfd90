// Tenants: each has its own breaker, up to a limit.
#include "distributed_breaker/tests/behaviour_for_test.hpp"

using namespace cb;
using nlohmann::json;

namespace {

json breakers(const InstanceProcess& instance) { return instance.status()["breakers"]; }

// With a threshold of 1.
void open_for(Fleet& fleet, const InstanceProcess& instance, const std::string& tenant) {
  fleet.upstream.status = 500;
  CHECK(instance.get("/call?tenant=" + tenant).body["state"] == "open");
  fleet.upstream.status = 200;
}

}  // namespace

TEST_CASE("a tenant's failures open only that tenant's breaker") {
  Fleet fleet;
  const auto instance = fleet.start("--failure-threshold 1 --recovery-timeout 1m");
  open_for(fleet, instance, "acme");
  CHECK(instance.get("/call?tenant=acme").http_status == 503);
  CHECK(instance.get("/call?tenant=beta").http_status == 200);
  CHECK(instance.call().http_status == 200);
  json status = instance.get("/status?tenant=acme").body;
  CHECK(status["breaker"]["name"] == "unreliable_service/acme");
  CHECK(status["breaker"]["state"] == "open");
  CHECK(status["breaker"]["retry_after_ms"] > 0);
  CHECK(breakers(instance) == json{{"max_breakers", 10000}, {"all", 3}, {"open", 1}, {"open_contexts", {"acme"}}});
  REQUIRE(status["transitions"].size() == 1);
  CHECK(status["transitions"][0]["context"] == "acme");
  REQUIRE(status["notable_calls"].size() == 1);
  CHECK(status["notable_calls"][0]["context"] == "acme");
  CHECK(instance.breaker()["name"] == "unreliable_service");
  CHECK(instance.state() == "closed");
  CHECK(instance.state("?tenant=beta") == "closed");
  CHECK(happens([&] { return holds(instance.process.output(), "acme: closed > open: 1 consecutive failure"); }));
}

TEST_CASE("a tenant's name may be 128 characters long, and may be a host with its port") {
  Fleet fleet;
  const auto instance = fleet.start();
  for (const std::string& name : {std::string(128, 'a'), std::string("A-z_0.9/x"), std::string("%61cme"),
                                  std::string("db-1:5432"), std::string("%5B::1%5D:9000")}) {
    CHECK(instance.get("/call?tenant=" + name).http_status == 200);
  }
  CHECK(instance.breaker("?tenant=acme")["name"] == "unreliable_service/acme");
  CHECK(instance.breaker("?tenant=[::1]:9000")["context"] == "[::1]:9000");
}

TEST_CASE("without room an idle tenant's breaker is evicted, and an open one never is") {
  Fleet fleet;
  const auto instance = fleet.start("--max-breakers 2 --failure-threshold 1 --recovery-timeout 1m");
  open_for(fleet, instance, "acme");
  for (const std::string tenant : {"beta", "gamma", "delta"}) {
    CHECK(happens([&] {  // on a shared breaker: once the one before it has learned that all it knows is stored
      return instance.get("/call?tenant=" + tenant).http_status == 200 &&
             instance.breaker("?tenant=" + tenant)["name"] == "unreliable_service/" + tenant;
    }));
  }
  CHECK(instance.get("/call?tenant=acme").http_status == 503);
  CHECK(breakers(instance) == json{{"max_breakers", 2}, {"all", 3}, {"open", 1}, {"open_contexts", {"acme"}}});
}

TEST_CASE("three active tenants and room for two: a dead upstream receives the threshold of each") {
  Fleet fleet;
  fleet.upstream.status = 500;
  const auto instance = fleet.start("--max-breakers 2 --failure-threshold 3 --recovery-timeout 1h");
  for (int round = 0; round < 10; ++round) {
    for (const std::string tenant : {"acme", "beta", "gamma"}) instance.get("/call?tenant=" + tenant);
  }
  const int calls = fleet.upstream.calls;
  CHECK(calls >= 9);
  CHECK(calls <= 12);  // in stage 3 the last tenant may count in its own breaker first, and then in the common one
}

TEST_CASE("a reader of made-up tenants creates no breaker and evicts none") {
  Fleet fleet;
  fleet.upstream.status = 500;
  const auto instance = fleet.start("--max-breakers 2 --failure-threshold 3 --recovery-timeout 1h");
  for (int i = 0; i < 5; ++i) {
    instance.get("/call?tenant=acme");
    for (int reader = 0; reader < 10; ++reader) {
      CHECK(instance.state("?tenant=made-up-" + std::to_string(reader)) == "closed");
    }
  }
  CHECK(fleet.upstream.calls == 3);
  CHECK(instance.state("?tenant=acme") == "open");
  CHECK(breakers(instance)["all"] == 2);
}

TEST_CASE("if all breakers are open and there is no room, a new tenant shares the common breaker") {
  Fleet fleet;
  const auto instance = fleet.start("--max-breakers 2 --failure-threshold 1 --recovery-timeout 1m");
  open_for(fleet, instance, "acme");
  open_for(fleet, instance, "beta");
  CHECK(instance.breaker("?tenant=gamma")["name"] == "unreliable_service");
  open_for(fleet, instance, "gamma");
  CHECK(instance.state() == "open");
  CHECK(instance.get("/call?tenant=delta").http_status == 503);
  CHECK(breakers(instance)["all"] == 3);
  CHECK(breakers(instance)["open"] == 3);
}

TEST_CASE("one tenant's last good answer is not given to another, even if they share a breaker") {
  Fleet fleet;
  const auto instance = fleet.start("--max-breakers 0 --fallback last-good --failure-threshold 100");
  fleet.upstream.body.set(R"({"secret":"acme's"})");
  instance.get("/call?tenant=acme");
  fleet.upstream.status = 500;
  CHECK(instance.get("/call?tenant=acme").body["fallback"]["answer"] == json{{"secret", "acme's"}});
  CHECK_FALSE(instance.get("/call?tenant=beta").body.contains("fallback"));
  CHECK_FALSE(instance.call().body.contains("fallback"));
}

TEST_CASE("with --max-breakers 0 all tenants share one breaker") {
  Fleet fleet;
  const auto instance = fleet.start("--max-breakers 0 --failure-threshold 1 --recovery-timeout 1m");
  open_for(fleet, instance, "acme");
  CHECK(instance.get("/call?tenant=beta").http_status == 503);
  CHECK(instance.call().http_status == 503);
  CHECK(instance.breaker("?tenant=beta")["name"] == "unreliable_service");
  CHECK(breakers(instance) == json{{"max_breakers", 0}, {"all", 1}, {"open", 1}, {"open_contexts", json::array()}});
}
