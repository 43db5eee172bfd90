// A PrivateSentinel is a master, its replica, and three Sentinels that watch them (with a quorum of two), on free
// loopback ports. Its processes and the Sentinels' folder end with this object. Not thread-safe.
// A dead master is replaced within about four seconds. Throws std::runtime_error if a server does not start.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "program/processes/child_process.hpp"
#include "program/processes/temporary_folder.hpp"

namespace program {

class PrivateSentinel {
 public:
  PrivateSentinel();
  ~PrivateSentinel();  // kill -9, as ~PrivateRedis()
  PrivateSentinel(const PrivateSentinel&) = delete;
  PrivateSentinel& operator=(const PrivateSentinel&) = delete;

  std::string url() const;  // redis+sentinel://.../mymaster
  const std::vector<int>& servers() const { return servers_; }
  const std::vector<int>& sentinels() const { return sentinels_; }
  ChildProcess& process(int port) { return processes_.at(port); }

  int master() const;                      // the port that the Sentinels name; 0 if they disagree
  void wait_for_another_master(int than);  // until all live Sentinels name it
  void fail_over();                        // planned: the old master stays alive
  void launch_replica(int port);           // an empty replica in place of a killed server; does not wait for it

 private:
  void start();
  std::vector<std::string> server_options() const;
  void start_sentinel(size_t index);
  bool is_watched(int sentinel) const;
  int master_by(int sentinel) const;

  TemporaryFolder folder_;
  std::vector<int> servers_;
  std::vector<int> sentinels_;
  std::map<int, ChildProcess> processes_;  // by port
};

}  // namespace program
