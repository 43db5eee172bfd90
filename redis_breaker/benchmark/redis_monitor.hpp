// A Monitor counts the commands that a Redis receives (MONITOR): those of clients apart from those of scripts, which
// INFO's counters mix. Belongs to one thread. It slows Redis down: use it for counts, not for times.
// Errors: throws std::runtime_error if Redis does not allow MONITOR.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "redis_breaker/redis/client.hpp"

namespace cb {

struct ObservedCommands {
  std::map<std::string, int> sent{};       // by clients: "PING", "EVALSHA tick", ...
  int in_scripts = 0;                      // commands run by scripts
  std::vector<std::string> last_settle{};  // the words of the command

  int all_sent() const;
  int count(const std::string& what) const;
  int of_checks() const;        // by which the synchronizer proves every 750 ms that its view is fresh
  std::string to_text() const;  // "60 PING, 3 EVALSHA tick"
};

class Monitor {
 public:
  explicit Monitor(redis::Client& client);

  // The commands since the previous call, or since construction.
  ObservedCommands take();

 private:
  const std::unique_ptr<redis::Connection> connection_;
  const std::unique_ptr<redis::Connection> marking_;  // its own: one of the client's might have to log in first
  ObservedCommands observed_;
  int markers_ = 0;
};

}  // namespace cb
