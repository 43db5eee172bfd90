// A PrivateCluster is a Redis Cluster of three masters without replicas, on free loopback ports. Its processes and its
// folder end with this object. Not thread-safe. Throws std::runtime_error if a server does not start.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "program/processes/child_process.hpp"
#include "program/processes/temporary_folder.hpp"

namespace program {

class PrivateCluster {
 public:
  explicit PrivateCluster(std::vector<std::string> options = {});  // for each redis-server
  ~PrivateCluster();                                               // kill -9, as ~PrivateRedis()
  PrivateCluster(const PrivateCluster&) = delete;
  PrivateCluster& operator=(const PrivateCluster&) = delete;

  std::string url() const;  // redis+cluster://...
  const std::vector<int>& ports() const { return ports_; }
  ChildProcess& process(int port) { return processes_.at(port); }

  int owner_of(const std::string& key) const;  // its node's port
  int other_than(int port) const;
  int add_replica_of(int master);  // returns its port when it follows

  // Moves the slot of this key. Between begin and finish the old node answers ASK for keys that it does not have.
  void begin_move(const std::string& key, int to);
  void move_keys(const std::string& key, int to);
  void finish_move(const std::string& key, int to);

 private:
  void start();
  void start_node(int port);
  void join();

  const std::vector<std::string> options_;
  TemporaryFolder folder_;
  std::vector<int> ports_;
  std::map<int, ChildProcess> processes_;  // by port
  std::map<int, int> moved_;               // slot to port
};

}  // namespace program
