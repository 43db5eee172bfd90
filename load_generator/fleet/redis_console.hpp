// A RedisConsole sends single commands to a private Redis, as a person with redis-cli would: to flush it, or to read
// its counters. Each command opens a connection and takes at most `patience`. Not thread-safe. Errors: ask() throws
// std::runtime_error that names command and server if no answer comes, or an error.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace load {

class RedisConsole {
 public:
  explicit RedisConsole(int port, std::chrono::milliseconds patience = std::chrono::milliseconds(500))
      : port_(port), patience_(patience) {}

  std::string ask(const std::vector<std::string>& command) const;  // status, text or number, as text

 private:
  int port_;
  std::chrono::milliseconds patience_;
};

// Closes the connections on which the server pushes invalidated keys. Returns how many there were.
size_t cut_pushes(const RedisConsole& console);

// How many scripts the server has run; `commandstats` is the answer to INFO commandstats.
uint64_t scripts_run(const std::string& commandstats);

}  // namespace load
