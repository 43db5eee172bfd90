// Stage 2: the shared behaviour of an instance, and that each instance has its own breaker.
#include "distributed_breaker/tests/behaviour_for_test.hpp"

using namespace cb;

cb::StageUnderTest cb::stage_under_test() { return {.binary = "distributed_breaker"}; }

TEST_CASE("three instances learn separately: three times the threshold reaches a dead upstream") {
  Fleet fleet;
  fleet.upstream.status = 500;
  const auto a = fleet.start(), b = fleet.start(), c = fleet.start();
  for (int i = 0; i < 10; ++i) a.call();
  CHECK(a.state() == "open");
  CHECK(b.state() == "closed");  // autonomy, and divergence
  CHECK(b.breaker()["failures"] == 0);
  for (int i = 0; i < 10; ++i) b.call();
  for (int i = 0; i < 10; ++i) c.call();
  CHECK(fleet.upstream.calls == 9);
}

TEST_CASE("with many callers the upstream receives the threshold and the calls in flight") {
  Fleet fleet;
  fleet.upstream.status = 500;
  fleet.upstream.latency_ms = 20;
  const auto instance = fleet.start("--recovery-timeout 1m");
  std::vector<std::jthread> callers;
  for (int i = 0; i < 16; ++i) {
    callers.emplace_back([&] {
      for (int call = 0; call < 5; ++call) instance.call();
    });
  }
  callers.clear();
  const auto status = instance.status();
  CHECK(fleet.upstream.calls - status["breaker"]["late_results"].get<int>() == 3);
  CHECK(status["breaker"]["late_results"] <= 15);
  CHECK(status["transitions"].size() == 1);
  CHECK(status["calls"]["blocked"] == 80 - fleet.upstream.calls);
}

TEST_CASE("an override of one instance does not reach another") {
  Fleet fleet;
  const auto a = fleet.start(), b = fleet.start();
  const auto applied = a.override(override_request("forced_open"));
  CHECK(applied.body["shared"] == false);
  CHECK(applied.body["store"] == "memory");
  CHECK(a.call().http_status == 503);
  CHECK(b.call().http_status == 200);
}

TEST_CASE("breaker.sh overrides every instance") {
  Fleet fleet;
  const auto a = fleet.start("--name a"), b = fleet.start("--name b");
  const Ended forced =
      breaker_script({"force-open", "--actor", "ann", "--reason", "deploying", "--for", "10m"}, {&a, &b});
  CHECK_MESSAGE(forced.exit_code == 0, forced.output);
  for (const auto* instance : {&a, &b}) {
    CHECK(holds(forced.output, instance->url + ": force-open is done\n"));
    CHECK(instance->call().http_status == 503);
    CHECK(last_cause(*instance) == "forced open by ann: deploying");
    CHECK(instance->breaker()["override"].contains("expires_at_ms"));
  }
  CHECK(breaker_script({"auto"}, {&a, &b}).exit_code == 0);
  for (const auto* instance : {&a, &b}) CHECK(instance->call().body["state"] == "closed");
}
