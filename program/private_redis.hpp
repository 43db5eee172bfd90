// A PrivateRedis is a redis-server of our own on a free loopback port, without persistence; it ends with this object.
// The user's Redis is never touched. Not thread-safe.
#pragma once

#include <optional>
#include <string>

#include "program/child_process.hpp"

namespace program {

class PrivateRedis {
 public:
  PrivateRedis();  // throws std::runtime_error where redis-server is missing or does not start

  int port() const { return port_; }
  std::string url() const { return "redis://127.0.0.1:" + std::to_string(port_) + "/0"; }
  ChildProcess& process() { return *process_; }
  void restart();  // kill -9, then a new and empty server on the same port

 private:
  void start();

  int port_;
  std::optional<ChildProcess> process_;
};

}  // namespace program
