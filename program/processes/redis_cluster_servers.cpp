#include "program/processes/redis_cluster_servers.hpp"

#include <algorithm>
#include <filesystem>
#include <sstream>
#include <stdexcept>
#include <utility>

#include "program/processes/redis_server.hpp"

namespace program {
namespace {

constexpr int slots = 16384;
constexpr int nodes = 3;

// The port of the cluster bus. Redis 6 cannot be given another one.
int bus_of(int port) { return port + 10000; }

int slot_of(int port, const std::string& key) { return std::stoi(redis_cli(port, {"CLUSTER", "KEYSLOT", key})); }

std::string id_of(int port) {
  const std::string id = redis_cli(port, {"CLUSTER", "MYID"});
  return id.substr(0, id.find('\n'));
}

void require_ok(int port, const std::vector<std::string>& command) {
  const std::string answer = redis_cli(port, command);
  if (answer != "OK\n") throw std::runtime_error(command[0] + " " + command[1] + ": " + answer);
}

bool is_complete(int port) {
  const std::string info = redis_cli(port, {"CLUSTER", "INFO"});
  return info.find("cluster_state:ok") != std::string::npos && info.find("cluster_known_nodes:3") != std::string::npos;
}

std::vector<int> ports_with_room_for_the_bus() {
  while (true) {
    std::vector<int> ports = free_ports(nodes);
    if (std::all_of(ports.begin(), ports.end(), [](int port) { return bus_of(port) <= 65535; })) return ports;
  }
}

}  // namespace

PrivateCluster::PrivateCluster(std::vector<std::string> options) : options_(std::move(options)) {
  try_ports([this] {
    processes_.clear();
    start();
    join();
  });
}

PrivateCluster::~PrivateCluster() {
  for (auto& [port, process] : processes_) process.send_signal(SIGKILL);
}

void PrivateCluster::start() {
  ports_ = ports_with_room_for_the_bus();
  for (const int port : ports_) start_node(port);
}

void PrivateCluster::start_node(int port) {
  const std::string folder = folder_.path() / std::to_string(port);
  std::filesystem::create_directory(folder);
  std::vector<std::string> options{
      "--dir", folder, "--cluster-enabled", "yes", "--cluster-node-timeout", "3000", "--repl-diskless-sync-delay", "0"};
  options.insert(options.end(), options_.begin(), options_.end());
  processes_.emplace(port, start_redis_server(port, options));
}

int PrivateCluster::add_replica_of(int master) {
  const int port = ports_with_room_for_the_bus()[0];
  start_node(port);
  require_ok(port, {"CLUSTER", "MEET", "127.0.0.1", std::to_string(master)});
  const std::string id = id_of(master);
  wait_until("the new node knows the master", [&] { return redis_cli(port, {"CLUSTER", "REPLICATE", id}) == "OK\n"; });
  wait_until("the replica follows its master", [port] {
    return redis_cli(port, {"INFO", "replication"}).find("master_link_status:up") != std::string::npos;
  });
  for (const int other : ports_) {  // they elect it in a failover
    wait_until("a node knows the replica", [&] {
      return redis_cli(other, {"CLUSTER", "NODES"}).find("slave " + id) != std::string::npos;
    });
  }
  return port;
}

void PrivateCluster::join() {
  for (int node = 0; node < nodes; ++node) {
    std::vector<std::string> command{"CLUSTER", "ADDSLOTS"};
    for (int slot = slots * node / nodes; slot < slots * (node + 1) / nodes; ++slot) {
      command.push_back(std::to_string(slot));
    }
    require_ok(ports_[node], command);
    require_ok(ports_[node], {"CLUSTER", "SET-CONFIG-EPOCH", std::to_string(node + 1)});
    if (node > 0) require_ok(ports_[node], {"CLUSTER", "MEET", "127.0.0.1", std::to_string(ports_[0])});
  }
  for (const int port : ports_) {
    wait_until("a node sees the whole cluster", [port] { return is_complete(port); });
  }
}

std::string PrivateCluster::url() const {
  std::string hosts;
  for (const int port : ports_) hosts += (hosts.empty() ? "" : ",") + ("127.0.0.1:" + std::to_string(port));
  return "redis+cluster://" + hosts;
}

int PrivateCluster::owner_of(const std::string& key) const {
  const int slot = slot_of(ports_[0], key);
  if (const auto moved = moved_.find(slot); moved != moved_.end()) return moved->second;
  int node = 0;
  while (slot >= slots * (node + 1) / nodes) ++node;
  return ports_[node];
}

int PrivateCluster::other_than(int port) const { return ports_[0] == port ? ports_[1] : ports_[0]; }

void PrivateCluster::begin_move(const std::string& key, int to) {
  const int from = owner_of(key);
  const std::string slot = std::to_string(slot_of(from, key));
  require_ok(to, {"CLUSTER", "SETSLOT", slot, "IMPORTING", id_of(from)});
  require_ok(from, {"CLUSTER", "SETSLOT", slot, "MIGRATING", id_of(to)});
}

void PrivateCluster::move_keys(const std::string& key, int to) {
  const int from = owner_of(key);
  const std::string slot = std::to_string(slot_of(from, key));
  std::istringstream keys(redis_cli(from, {"CLUSTER", "GETKEYSINSLOT", slot, "1000"}));
  for (std::string one; std::getline(keys, one);) {
    if (!one.empty()) require_ok(from, {"MIGRATE", "127.0.0.1", std::to_string(to), one, "0", "5000"});
  }
}

void PrivateCluster::finish_move(const std::string& key, int to) {
  move_keys(key, to);
  const int from = owner_of(key);
  const int slot = slot_of(from, key);
  for (const int port : {to, from}) {
    require_ok(port, {"CLUSTER", "SETSLOT", std::to_string(slot), "NODE", id_of(to)});
  }
  moved_[slot] = to;
}

}  // namespace program
