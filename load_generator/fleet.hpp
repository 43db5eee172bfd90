// A Fleet is what a scenario runs against, all its own and all on free loopback ports: the upstream, a Redis where the
// stage needs one, and the instances. Nothing outlives it, whatever happens.
// Make it on the main thread (see ChildProcess). Not thread-safe.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "load_generator/run.hpp"
#include "load_generator/scenario.hpp"
#include "program/child_process.hpp"
#include "program/private_redis.hpp"

namespace load {

// The folder of this executable, where its siblings lie too.
std::string binaries_folder();

class Fleet {
 public:
  // Throws std::runtime_error, quoting its output, where one of the programs does not start.
  Fleet(const Scenario& scenario, Stage stage);
  ~Fleet();
  Fleet(const Fleet&) = delete;
  Fleet& operator=(const Fleet&) = delete;

  const std::string& upstream() const { return upstream_url_; }
  const std::vector<Target>& targets() const { return targets_; }
  void kill(size_t target);  // kill -9

 private:
  void start_instances(const Scenario& scenario, Stage stage);

  program::ChildProcess upstream_;
  std::string upstream_url_;
  std::optional<program::PrivateRedis> redis_;
  std::vector<program::ChildProcess> instances_;
  std::vector<Target> targets_;
};

}  // namespace load
