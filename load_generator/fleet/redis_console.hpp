// A RedisConsole sends commands to a Redis of our own, one at a time, as a person with redis-cli would: to flush it, or
// to ask what it has done. Each command takes a connection of its own and at most `patience`.
// Not thread-safe. Errors: what it asks throws std::runtime_error naming command and server where there is no answer or
// an error for one.
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

// Ends the connections by which the server tells clients of changes to keys. Returns how many there were.
size_t cut_pushes(const RedisConsole& console);

// How many scripts were run, in the words of INFO commandstats.
uint64_t scripts_run(const std::string& commandstats);

}  // namespace load
