// A PrivateRedis is a redis-server on a free loopback port, without persistence, that ends with this object. It never
// touches the user's Redis. Not thread-safe.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "program/processes/certificate.hpp"
#include "program/processes/child_process.hpp"

namespace program {

// Ports of 127.0.0.1 that are free now, for servers that cannot bind to port 0. Another process may take one first.
std::vector<int> free_ports(size_t count);

// start_redis_server() returns when the server accepts connections; launch_redis_server() returns at once. redis_cli()
// returns what redis-cli prints.
ChildProcess start_redis_server(int port, const std::vector<std::string>& options);
ChildProcess launch_redis_server(int port, const std::vector<std::string>& options);
std::string redis_cli(int port, const std::vector<std::string>& command);

// Waits up to twenty seconds for `condition`, then throws std::runtime_error: `what` did not happen.
void wait_until(const std::string& what, const std::function<bool()>& condition);

// Calls `start`, which picks free ports, up to six times, as another process may take one of them first. Throws the
// last attempt's exception; a std::system_error at once, as no port helps if redis-server is missing.
void try_ports(const std::function<void()>& start);

class PrivateRedis {
 public:
  PrivateRedis();  // throws std::runtime_error if redis-server is missing or does not start
  // Accepts TLS only.
  explicit PrivateRedis(const Certificate& certificate, const std::vector<std::string>& options = {});
  ~PrivateRedis();  // kill -9: Redis looks for SIGTERM only every 100 ms, and nothing is to be saved
  PrivateRedis(const PrivateRedis&) = delete;
  PrivateRedis& operator=(const PrivateRedis&) = delete;

  int port() const { return port_; }
  std::string url() const { return scheme_ + "://127.0.0.1:" + std::to_string(port_) + "/0"; }
  ChildProcess& process() { return *process_; }
  void restart();  // kill -9, then a new and empty server on the same port
  void kill();     // -9; returns when it has ended

  // Kills the running server and starts a new, empty one on the same port. Returns before it accepts connections.
  void launch();

 private:
  void start();
  void start_on_free_port();

  int port_ = 0;
  std::string scheme_ = "redis";
  std::vector<std::string> options_{"--dir", "/"};
  std::optional<ChildProcess> process_;
};

}  // namespace program
