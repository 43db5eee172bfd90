// Stage 2 behaves as an instance does, and each instance follows its own breaker.
#include "distributed_breaker/tests/behaviour_for_test.hpp"

using namespace cb;

cb::StageUnderTest cb::stage_under_test() { return {.binary = "distributed_breaker"}; }

TEST_CASE("an order to one instance is not heard by another") {
  Fleet fleet;
  const auto a = fleet.start(), b = fleet.start();
  CHECK(a.override(override_request("forced_open")).body["shared"] == false);
  CHECK(a.call().http_status == 503);
  CHECK(b.call().http_status == 200);
}

TEST_CASE("breaker.sh tells every instance") {
  Fleet fleet;
  const auto a = fleet.start("--name a"), b = fleet.start("--name b");
  const auto breaker = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), LAB_SOURCE_DIR "/scripts/breaker.sh");
    arguments.insert(arguments.end(), {"--instance", a.url, "--instance", b.url});
    return run_to_end(arguments);
  };
  const Ended forced = breaker({"force-open", "--actor", "ann", "--reason", "deploying", "--for", "10m"});
  CHECK_MESSAGE(forced.exit_code == 0, forced.output);
  for (const auto* instance : {&a, &b}) {
    CHECK(holds(forced.output, instance->url + ": force-open is done\n"));
    CHECK(instance->call().http_status == 503);
    CHECK(last_cause(*instance) == "forced open by ann: deploying");
    CHECK(instance->breaker()["override"].contains("expires_at_ms"));
  }
  CHECK(breaker({"auto"}).exit_code == 0);
  for (const auto* instance : {&a, &b}) CHECK(instance->call().body["state"] == "closed");
}
