// A PrivateSentinel is a master, its replica, and three Sentinels who watch them (two of them decide), on free loopback
// ports. All of it, and the folder that the Sentinels write to, ends with this object. Not thread-safe.
// A dead master is replaced within some four seconds. Throws std::runtime_error where something does not start.
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

  int master() const;                      // its port, as the Sentinels say; 0 where they disagree
  void wait_for_another_master(int than);  // until all Sentinels that live name it
  void fail_over();                        // planned: the old master lives on
  void launch_replica(int port);           // of the other server, empty, where one was killed; nobody waits for it

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
