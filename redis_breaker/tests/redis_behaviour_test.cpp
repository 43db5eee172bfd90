// Stage 3 shows the common behaviour of an instance, and an override or a failure at one instance counts for all.
#include "distributed_breaker/tests/behaviour_for_test.hpp"
#include "program/processes/redis_server.hpp"

using namespace cb;

cb::StageUnderTest cb::stage_under_test() {
  const auto redis = std::make_shared<program::PrivateRedis>();
  return {.binary = "redis_breaker", .options = {"--redis", redis->url(), "--redis-timeout", "10s"}, .shared = redis};
}

TEST_CASE("an override at one instance is active at the others, and a reset at another one ends it") {
  Fleet fleet;
  const auto a = fleet.start(), b = fleet.start();
  CHECK(a.override(override_request("forced_open")).body["shared"] == true);
  REQUIRE(happens([&] { return b.state() == "open"; }));
  auto blocked = b.call();
  CHECK(blocked.http_status == 503);
  CHECK(blocked.body["state"] == "open");
  CHECK(b.breaker()["override"]["actor"] == "ann");
  CHECK(causes(b).empty());  // reported once, by the instance that applied it
  CHECK(b.override(override_request("reset")).http_status == 200);
  CHECK(happens([&] { return a.call().http_status == 200; }));
  CHECK_FALSE(a.breaker().contains("override"));
}

TEST_CASE("an override that expires is reported once in the whole fleet") {
  Fleet fleet;
  const auto a = fleet.start(), b = fleet.start();
  auto order_for_now = override_request("forced_open");
  order_for_now["expires_in_ms"] = 100;
  a.override(order_for_now);
  CHECK(happens([&] { return a.state() == "half_open" && b.state() == "half_open"; }));
  std::vector<std::string> reported = causes(a);
  for (const std::string& cause : causes(b)) reported.push_back(cause);
  CHECK(std::count(reported.begin(), reported.end(), "forced open: expired") == 1);
}

TEST_CASE("two instances share a tenant's breaker, and count together") {
  Fleet fleet;
  fleet.upstream.status = 500;
  const std::string options = "--failure-threshold 2 --recovery-timeout 1m";
  const auto a = fleet.start(options), b = fleet.start(options);
  a.get("/call?tenant=acme");
  CHECK(b.get("/call?tenant=acme").body["state"] == "open");
  CHECK(a.state("?tenant=acme") == "open");
  CHECK(a.get("/call?tenant=acme").http_status == 503);
  CHECK(a.state() == "closed");
  CHECK(a.get("/call?tenant=beta").http_status == 502);
  CHECK(fleet.upstream.calls == 3);
}

TEST_CASE("Redis keeps the state of a breaker that an instance evicted") {
  Fleet fleet;
  fleet.upstream.status = 500;
  const auto instance = fleet.start("--max-breakers 1 --failure-threshold 2 --recovery-timeout 1m");
  instance.get("/call?tenant=acme");
  instance.get("/call?tenant=beta");
  CHECK(instance.get("/call?tenant=acme").body["state"] == "open");
}

TEST_CASE("breaker.sh asks one instance, and the override is active at all") {
  Fleet fleet;
  const auto a = fleet.start("--name a"), b = fleet.start("--name b");
  const auto breaker = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), LAB_SOURCE_DIR "/scripts/breaker.sh");
    arguments.insert(arguments.end(), {"--instance", a.url, "--instance", b.url});
    return run_to_end(arguments);
  };
  const Ended forced = breaker({"force-open", "--actor", "ann", "--reason", "deploying", "--for", "10m"});
  CHECK_MESSAGE(forced.exit_code == 0, forced.output);
  CHECK(forced.output == a.url + ": force-open is done\nthe others share this breaker\n");
  REQUIRE(happens([&] { return b.state() == "open"; }));
  for (const auto* instance : {&a, &b}) CHECK(instance->call().http_status == 503);
  const Ended status = breaker({"status"});
  CHECK(status.exit_code == 0);
  for (const std::string name : {"a", "b"}) CHECK(holds(status.output, "\n" + name + "         open   forced_open"));
  CHECK(holds(status.output, "deploying (ann)"));
  CHECK(breaker({"auto"}).exit_code == 0);
  REQUIRE(happens([&] { return b.state() == "half_open"; }));
  CHECK(b.call().body["state"] == "closed");
  CHECK(a.state() == "closed");
}

TEST_CASE("while Redis is down, an override is a 503 that says so, and calls succeed") {
  FakeUpstream upstream;
  program::PrivateRedis redis;
  InstanceProcess instance("redis_breaker", upstream.url(), {"--redis", redis.url()});
  redis.process().send_signal(SIGKILL);
  redis.process().wait(std::chrono::seconds(5));
  const auto refused = instance.override(override_request("forced_open"));
  CHECK(refused.http_status == 503);
  CHECK(holds(refused.body.value("error", ""), "Redis did not accept the override"));
  CHECK(instance.call().http_status == 200);
}
