// Stage 4 shows the common behaviour of an instance, through shared memory, and what happens at one instance counts for
// all.
#include <filesystem>
#include <fstream>
#include <iterator>

#include "distributed_breaker/tests/behaviour_for_test.hpp"
#include "store_breaker/tests/private_segment_for_test.hpp"

using namespace cb;

cb::StageUnderTest cb::stage_under_test() {
  const auto segment = std::make_shared<PrivateSegment>();
  return {.binary = "store_breaker",
          .options = {"--store", "shm:" + segment->name, "--store-timeout", "10s"},
          .shared = segment};
}

TEST_CASE("failures of two instances count together, and both reject") {
  Fleet fleet;
  fleet.upstream.status = 500;
  const std::string options = "--failure-threshold 2 --recovery-timeout 1m";
  const auto a = fleet.start(options), b = fleet.start(options);
  a.call();
  CHECK(b.call().body["state"] == "open");
  CHECK(happens([&] { return a.state() == "open"; }));
  CHECK(a.call().http_status == 503);
  CHECK(fleet.upstream.calls == 2);
  CHECK(causes(a).empty());  // reported once, by the instance that opened it
  CHECK(causes(b) == std::vector<std::string>{"2 consecutive failures"});
  CHECK(a.breaker()["store"] == "shm");
}

TEST_CASE("an override at one instance is active at the others, and a reset at another one ends it") {
  Fleet fleet;
  const auto a = fleet.start(), b = fleet.start();
  CHECK(a.override(override_request("forced_open")).body["shared"] == true);
  REQUIRE(happens([&] { return b.state() == "open"; }));
  CHECK(b.breaker()["override"]["actor"] == "ann");
  CHECK(b.override(override_request("reset")).http_status == 200);
  CHECK(happens([&] { return a.call().http_status == 200; }));
}

TEST_CASE("an instance that joins later finds the circuit open") {
  Fleet fleet;
  fleet.upstream.status = 500;
  const std::string options = "--failure-threshold 1 --recovery-timeout 1m";
  fleet.start(options).call();
  CHECK(fleet.start(options).call().http_status == 503);
}

TEST_CASE("a segment that is removed while in use: the open circuit is restored in the new one") {
  const PrivateSegment segment;
  FakeUpstream upstream;
  upstream.status = 500;
  InstanceProcess instance("store_breaker", upstream.url(),
                           words("--failure-threshold 1 --recovery-timeout 1m --store shm:" + segment.name));
  instance.call();
  std::filesystem::remove(Segment::path_of(segment.name));
  CHECK(happens([&] { return causes(instance).back() == "state lost: this store did not have it"; }));
  CHECK(instance.state() == "open");
  CHECK(instance.call().http_status == 503);
}

TEST_CASE("an instance loads a driver only for the store that it uses") {
  const Fleet fleet;
  const auto instance = fleet.start();
  std::ifstream maps("/proc/" + std::to_string(instance.process.pid()) + "/maps");
  const std::string loaded(std::istreambuf_iterator<char>(maps), {});
  CHECK(holds(loaded, "store_breaker"));
  CHECK_FALSE(holds(loaded, "libmongoc"));
}

TEST_CASE("an address that is not valid is one clear line, without the password in it") {
  for (const auto& [address, line] : std::vector<std::pair<std::string, std::string>>{
           {"mongo://ann:secret@x",
            "error: store: unknown scheme; known are: memory:, shm:NAME, "
            "postgresql://[USER[:PASSWORD]@]HOST[:PORT]/DATABASE, dynamodb://REGION/TABLE, mongodb://HOST/DATABASE\n"},
           {"shm:a/b", "error: store: a name for shm: has 1 to 64 characters of A-Z a-z 0-9 _ -\n"},
           {"memory:x", "error: store: memory: takes no name\n"}}) {
    const Ended ended = run_to_end({LAB_BIN_DIR "/store_breaker", "--port", "0", "--store", address});
    CHECK(ended.exit_code == 2);
    CHECK(ended.output == line);
  }
}
