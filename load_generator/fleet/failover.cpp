#include "load_generator/fleet/failover.hpp"

#include <charconv>
#include <set>
#include <stdexcept>

#include "load_generator/fleet/redis_console.hpp"

namespace load {
namespace {

// "master0:name=mymaster,status=ok,address=127.0.0.1:6379,slaves=1,sentinels=3"
int master_in(const std::string& info) {
  constexpr std::string_view label = "address=127.0.0.1:";
  const auto at = info.find(label);
  int port = 0;
  if (at != std::string::npos) std::from_chars(info.data() + at + label.size(), info.data() + info.size(), port);
  return port;
}

int require_master(const program::PrivateSentinel& watched) {
  const int port = named_master(watched);
  if (port == 0) throw std::runtime_error("the Sentinels do not agree on a master");
  return port;
}

int other_server(const program::PrivateSentinel& watched, int than) {
  const auto& servers = watched.servers();
  return servers.at(0) == than ? servers.at(1) : servers.at(0);
}

}  // namespace

int named_master(const program::PrivateSentinel& watched) {
  std::set<int> named;
  for (const int port : watched.sentinels()) named.insert(master_in(RedisConsole(port).ask({"INFO", "sentinel"})));
  return named.size() == 1 ? *named.begin() : 0;
}

void inject(RedisFault fault, program::PrivateSentinel& watched) {
  if (fault == RedisFault::fail_over) {
    RedisConsole(watched.sentinels().at(0)).ask({"SENTINEL", "FAILOVER", "mymaster"});
  } else if (fault == RedisFault::kill_master) {
    program::ChildProcess& master = watched.process(require_master(watched));
    master.send_signal(SIGKILL);
    master.wait(std::chrono::seconds(5));
  } else {
    throw std::runtime_error("not a fault of a Redis that Sentinels watch: " + std::string(to_text(fault)));
  }
}

void follow_master(program::PrivateSentinel& watched) {
  const int master = require_master(watched);
  const int replica = other_server(watched, master);
  if (watched.process(replica).wait(std::chrono::milliseconds(0))) {
    watched.launch_replica(replica);
  } else {
    RedisConsole(replica).ask({"REPLICAOF", "127.0.0.1", std::to_string(master)});
  }
}

}  // namespace load
