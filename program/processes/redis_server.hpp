// A PrivateRedis is a redis-server of our own on a free loopback port, without persistence; it ends with this object.
// The user's Redis is never touched. Not thread-safe.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "program/processes/certificate.hpp"
#include "program/processes/child_process.hpp"

namespace program {

// Ports of 127.0.0.1 that are free now, for servers that cannot take "any free port"; somebody else may take one first.
std::vector<int> free_ports(size_t count);

// A redis-server on such a port, without persistence, and what redis-cli prints when it asks one. One that is launched
// nobody waits for: it listens some milliseconds later.
ChildProcess start_redis_server(int port, const std::vector<std::string>& options);
ChildProcess launch_redis_server(int port, const std::vector<std::string>& options);
std::string redis_cli(int port, const std::vector<std::string>& command);

// Throws std::runtime_error that says `what` did not happen, after twenty seconds.
void wait_until(const std::string& what, const std::function<bool()>& is_so);

// Calls `start`, which looks for free ports, up to six times: whatever it was that took one may be gone the next time.
// Throws what the last one threw, and a std::system_error at once: where there is no redis-server, no port helps.
void try_ports(const std::function<void()>& start);

class PrivateRedis {
 public:
  PrivateRedis();  // throws std::runtime_error where redis-server is missing or does not start
  // Speaks TLS, and nothing else.
  explicit PrivateRedis(const Certificate& certificate, const std::vector<std::string>& options = {});
  ~PrivateRedis();  // kill -9: Redis looks for SIGTERM only every 100 ms, and nothing is to be saved
  PrivateRedis(const PrivateRedis&) = delete;
  PrivateRedis& operator=(const PrivateRedis&) = delete;

  int port() const { return port_; }
  std::string url() const { return scheme_ + "://127.0.0.1:" + std::to_string(port_) + "/0"; }
  ChildProcess& process() { return *process_; }
  void restart();  // kill -9, then a new and empty server on the same port
  void kill();     // -9, and waits for the end

  // A new and empty server on the same port, which nobody waits for: it listens some milliseconds later. Kills what
  // runs.
  void launch();

 private:
  void start();
  void start_somewhere();

  int port_ = 0;
  std::string scheme_ = "redis";
  std::vector<std::string> options_{"--dir", "/"};
  std::optional<ChildProcess> process_;
};

}  // namespace program
