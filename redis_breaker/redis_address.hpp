// Where a Redis is: redis://[[user]:password@]host[:port][/db] or unix:///path.
#pragma once

#include <string>

namespace cb {

struct RedisAddress {
  std::string host = "127.0.0.1";
  int port = 6379;
  std::string socket;  // a path; where it is set, host and port are not used
  std::string user;
  std::string password;  // empty: no AUTH is sent
  int database = 0;

  // For people and logs: never the password.
  std::string to_text() const;
};

// Throws std::invalid_argument that says what is wrong, without the password. User and password may be %-encoded.
RedisAddress parse_redis_url(const std::string& url);

}  // namespace cb
