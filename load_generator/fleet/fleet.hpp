// A Fleet is what a scenario runs against, private and on free loopback ports: the upstream, a Redis if the stage needs
// one (watched by Sentinels if the variant asks for it) or shared memory, proxies if the variant has any, and the
// instances. None of them outlives it, however this process ends. Make it on the main thread (see ChildProcess). Not
// thread-safe.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "load_generator/fleet/proxies.hpp"
#include "load_generator/record/run_record.hpp"
#include "load_generator/scenario/scenario.hpp"
#include "program/processes/child_process.hpp"
#include "program/processes/redis_sentinel_servers.hpp"
#include "program/processes/redis_server.hpp"

namespace load {

// The folder of this executable and of the programs that it starts.
std::string binaries_folder();

// The folder beside it in which runs are kept, and the file of the run `name` in it.
std::string runs_folder();
std::string run_path(const std::string& name);

// Throws std::invalid_argument that names `source` and quotes the program, if it ended because it refuses a setting.
void require_settings_accepted(program::ChildProcess& process, const std::string& source);

// The name of a shared memory that a fleet of stage 4 makes; it is removed with this object.
class PrivateSegment {
 public:
  PrivateSegment();
  ~PrivateSegment();
  PrivateSegment(const PrivateSegment&) = delete;
  PrivateSegment& operator=(const PrivateSegment&) = delete;
  std::string address() const { return "shm:" + name_; }

 private:
  std::string path() const;
  std::string name_;
};

class Fleet {
 public:
  // Throws std::invalid_argument that quotes the program if one refuses its settings, and std::runtime_error if one
  // does not start for another reason.
  Fleet(const Scenario& scenario, const Variant& variant);
  ~Fleet();
  Fleet(const Fleet&) = delete;
  Fleet& operator=(const Fleet&) = delete;

  const std::string& upstream() const { return upstream_url_; }
  const std::vector<Target>& targets() const { return targets_; }
  void kill(size_t target);    // -9
  void launch(size_t target);  // restarts a killed one with the same name and port; does not wait for it
  void freeze(size_t target);  // SIGSTOP
  void resume(size_t target);  // SIGCONT
  program::ChildProcess::State state(size_t target);
  bool listens(size_t target) const;        // its last process has printed its "listening" line
  std::string output(size_t target) const;  // of all its processes so far
  // At most one of the two exists.
  std::optional<program::PrivateRedis>& redis() { return redis_; }
  std::optional<program::PrivateSentinel>& watched_redis() { return watched_redis_; }

 private:
  struct Instance {
    std::vector<std::string> arguments;
    std::optional<program::ChildProcess> process;
    std::string earlier_output;  // of its processes before
  };

  void start_redis(const Variant& variant);
  void start_instances(const Scenario& scenario, const Variant& variant);

  program::ChildProcess upstream_;
  std::string upstream_url_;
  std::optional<program::PrivateRedis> redis_;
  std::optional<program::PrivateSentinel> watched_redis_;
  std::optional<Proxies> proxies_;
  std::optional<PrivateSegment> segment_;
  std::vector<Instance> instances_;
  std::vector<Target> targets_;
};

}  // namespace load
