#include "program/processes/redis_sentinel_servers.hpp"

#include <algorithm>
#include <fstream>
#include <set>
#include <stdexcept>

#include "program/processes/redis_server.hpp"

namespace program {
namespace {

bool holds(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

// Sentinels that know each other from the start do not need seconds to discover each other.
std::string identity(size_t index) { return std::string(39, '0') + std::to_string(index + 1); }

}  // namespace

PrivateSentinel::PrivateSentinel() {
  try_ports([this] {
    processes_.clear();
    start();
  });
}

PrivateSentinel::~PrivateSentinel() {
  for (auto& [port, process] : processes_) process.send_signal(SIGKILL);
}

void PrivateSentinel::start() {
  const std::vector<int> ports = free_ports(5);
  servers_ = {ports[0], ports[1]};
  sentinels_ = {ports[2], ports[3], ports[4]};
  for (const int port : servers_) processes_.emplace(port, start_redis_server(port, server_options()));
  redis_cli(servers_[1], {"REPLICAOF", "127.0.0.1", std::to_string(servers_[0])});
  wait_until("the replica follows its master", [this] {
    return holds(redis_cli(servers_[1], {"INFO", "replication"}), "master_link_status:up");
  });
  for (size_t i = 0; i < sentinels_.size(); ++i) start_sentinel(i);
  for (const int port : sentinels_) {
    wait_until("a Sentinel sees all others", [&] { return is_watched(port); });
    // From Redis 7 on. A Sentinel that asks every ten seconds only would take a server that was just made a replica for
    // a master, and undo its next promotion.
    redis_cli(port, {"SENTINEL", "DEBUG", "info-period", "1000"});
  }
}

std::vector<std::string> PrivateSentinel::server_options() const {
  return {"--dir", folder_.path(), "--repl-diskless-sync-delay", "0"};
}

void PrivateSentinel::start_sentinel(size_t index) {
  const std::string port = std::to_string(sentinels_[index]);
  const std::string file = folder_.path() / ("sentinel-" + port + ".conf");
  const std::string master = "127.0.0.1 " + std::to_string(servers_[0]);
  std::ofstream config(file);
  config << "port " << port << "\nbind 127.0.0.1\ndaemonize no\ndir " << folder_.path().string() << "\n"
         << "sentinel myid " << identity(index) << "\n"
         << "sentinel monitor mymaster " << master << " 2\n"
         << "sentinel down-after-milliseconds mymaster 500\n"
         << "sentinel failover-timeout mymaster 4000\n"
         << "sentinel known-replica mymaster 127.0.0.1 " << servers_[1] << "\n";
  for (size_t other = 0; other < sentinels_.size(); ++other) {
    if (other == index) continue;
    config << "sentinel known-sentinel mymaster 127.0.0.1 " << sentinels_[other] << " " << identity(other) << "\n";
  }
  config.close();
  const auto started = processes_.emplace(sentinels_[index], ChildProcess({"redis-server", file, "--sentinel"}));
  started.first->second.wait_for_line("+monitor master");
}

bool PrivateSentinel::is_watched(int sentinel) const {
  return redis_cli(sentinel, {"SENTINEL", "CKQUORUM", "mymaster"}).rfind("OK 3 usable", 0) == 0 &&
         holds(redis_cli(sentinel, {"SENTINEL", "REPLICAS", "mymaster"}), "master-link-status\nok");
}

std::string PrivateSentinel::url() const {
  std::string hosts;
  for (const int port : sentinels_) hosts += (hosts.empty() ? "" : ",") + ("127.0.0.1:" + std::to_string(port));
  return "redis+sentinel://" + hosts + "/mymaster";
}

int PrivateSentinel::master_by(int sentinel) const {
  const std::string pair = redis_cli(sentinel, {"SENTINEL", "GET-MASTER-ADDR-BY-NAME", "mymaster"});
  const auto named = std::find_if(servers_.begin(), servers_.end(),
                                  [&pair](int port) { return pair == "127.0.0.1\n" + std::to_string(port) + "\n"; });
  return named == servers_.end() ? 0 : *named;
}

int PrivateSentinel::master() const {
  std::set<int> named;
  for (const int port : sentinels_) named.insert(master_by(port));
  named.erase(0);  // the answer of a dead Sentinel
  return named.size() == 1 ? *named.begin() : 0;
}

void PrivateSentinel::wait_for_another_master(int than) {
  wait_until("the Sentinels name another master", [this, than] {
    const int now = master();
    return now != 0 && now != than;
  });
}

void PrivateSentinel::fail_over() {
  const int before = master();
  wait_until("a failover begins", [this] {
    return redis_cli(sentinels_[0], {"SENTINEL", "FAILOVER", "mymaster"}) == "OK\n";
  });
  wait_for_another_master(before);
}

void PrivateSentinel::launch_replica(int port) {
  const int master = servers_[0] == port ? servers_[1] : servers_[0];
  std::vector<std::string> options = server_options();
  options.insert(options.end(), {"--replicaof", "127.0.0.1 " + std::to_string(master)});
  processes_.erase(port);
  processes_.emplace(port, launch_redis_server(port, options));
}

}  // namespace program
