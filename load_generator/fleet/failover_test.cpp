// Against real, private Sentinels.
#include "load_generator/fleet/failover.hpp"

#include <doctest/doctest.h>

#include <stdexcept>

#include "load_generator/fleet/redis_console.hpp"
#include "program/processes/redis_server.hpp"

using namespace load;
using program::wait_until;

namespace {

std::string replication(int port) { return RedisConsole(port).ask({"INFO", "replication"}); }

void wait_for_replica(int port) {
  wait_until("the old master is a replica", [port] {
    try {
      return replication(port).find("master_link_status:up") != std::string::npos;
    } catch (const std::runtime_error&) {
      return false;  // it does not listen yet
    }
  });
}

int wait_for_another(const program::PrivateSentinel& watched, int than) {
  wait_until("the Sentinels name another master", [&] {
    try {
      const int named = named_master(watched);
      return named != 0 && named != than;
    } catch (const std::runtime_error&) {
      return false;  // one of them is busy changing it
    }
  });
  return named_master(watched);
}

}  // namespace

TEST_CASE("a killed master is replaced, and restarts as the replica of the new one, with its keys") {
  program::PrivateSentinel watched;
  const int before = named_master(watched);
  CHECK(before == watched.servers().at(0));
  inject(RedisFault::kill_master, watched);
  CHECK_THROWS_AS(replication(before), std::runtime_error);
  const int now = wait_for_another(watched, before);
  CHECK(now == watched.servers().at(1));
  RedisConsole(now).ask({"SET", "key", "value"});
  follow_master(watched);
  wait_for_replica(before);
  CHECK(RedisConsole(before).ask({"GET", "key"}) == "value");
}

TEST_CASE("a planned failover kills no server, and the old master can become a replica at once") {
  program::PrivateSentinel watched;
  const int before = named_master(watched);
  inject(RedisFault::fail_over, watched);
  wait_for_another(watched, before);
  CHECK(RedisConsole(before).ask({"PING"}) == "PONG");
  follow_master(watched);
  CHECK(replication(before).find("role:slave") != std::string::npos);  // the Sentinels would take ten seconds
}

TEST_CASE("faults that need a Redis without Sentinels are refused") {
  program::PrivateSentinel watched;
  CHECK_THROWS_WITH_AS(inject(RedisFault::restart, watched), doctest::Contains("restarted, empty"), std::runtime_error);
}
