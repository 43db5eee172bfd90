// An Monitor listens to all that a Redis is asked (MONITOR) and counts it: what clients sent apart from what scripts
// did, which INFO's counters mix. Belongs to one thread. It slows Redis down: for counts, not for times. Errors: throws
// std::runtime_error where Redis does not let it listen.
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
  int in_scripts = 0;                      // commands that scripts gave
  std::vector<std::string> last_settle{};  // its words, as they were sent

  int all_sent() const;
  int count(const std::string& what) const;
  std::string to_text() const;  // "60 PING, 3 EVALSHA tick"
};

class Monitor {
 public:
  explicit Monitor(redis::Client& client);

  // What was asked since the last time, or since it was made.
  ObservedCommands take();

 private:
  redis::Client& client_;
  const std::unique_ptr<redis::Connection> connection_;
  ObservedCommands observed_;
  int questions_ = 0;
};

}  // namespace cb
