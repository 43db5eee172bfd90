// Proxies stand between a fleet's instances and its upstream, if a variant asks for them: HAProxy or nginx, with what
// they have in place of a breaker, or this lab's sidecar. The instances are then plain callers. Their settings are
// files beside the scenario, with @PORT@, @UPSTREAM@ (host:port), @FOLDER@ (private), @THRESHOLD@ and
// @RECOVERY@ for what differs from run to run; @NAME@, @PEER_PORT@ and @PEERS@ are for those that inform each other.
// All listen on free loopback ports and end with this object. Make it on the main thread (see ChildProcess). Not
// thread-safe. Limit: nginx's workers remain if this process is killed with -9.
#pragma once

#include <string>
#include <vector>

#include "load_generator/scenario/scenario.hpp"
#include "program/processes/child_process.hpp"
#include "program/processes/temporary_folder.hpp"

namespace load {

std::string program_folders();  // PATH, and those that only root's has: a:b

// "haproxy is not installed, so haproxy-each is skipped; scripts/dev/setup.sh --peers installs it"; empty: nothing is
// missing.
std::string missing_program(const Variant& variant, const std::string& folders = program_folders());

class Proxies {
 public:
  // Throws std::runtime_error if one does not start.
  Proxies(const Scenario& scenario, const Variant& variant, const std::string& upstream);

  // What the instance has in place of the upstream.
  const std::string& url_for(size_t instance) const { return urls_[instance % urls_.size()]; }

 private:
  void start_sidecar(const Variant& variant, const std::string& upstream);
  void start_configured(const Scenario& scenario, const Variant& variant, const std::string& upstream, size_t count);

  program::TemporaryFolder folder_;
  std::vector<program::ChildProcess> processes_;
  std::vector<std::string> urls_;
};

}  // namespace load
