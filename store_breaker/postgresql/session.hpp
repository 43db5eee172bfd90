// A Session is a connection on which the table of records is known to be there and to have the right columns: the
// statements that use it are prepared. Not thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "store_breaker/postgresql/connection.hpp"

namespace cb::postgresql {

struct Session {
  Connection connection;
  std::chrono::steady_clock::time_point since{};  // when connecting began
  uint64_t run = 0;                               // when this server started, in microseconds since 1970
  std::string channel{};                          // where writes to this table are announced
  std::string quoted_channel{};                   // as an identifier in SQL
};

struct Trouble {
  std::string what;           // one line, without the address
  bool is_permanent = false;  // a person has to change something
};

struct Opened {
  std::unique_ptr<Session> session{};  // nothing: trouble
  Trouble trouble{};
};

// Creates the table if it is missing.
Opened open_session(const Address& address, StoreDeadline deadline);

// What a person should know of a failed statement.
Trouble trouble_of(const Result& result);

}  // namespace cb::postgresql
