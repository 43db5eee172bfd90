// The address of a PostgreSQL database, as libpq reads it:
//   postgresql://[USER[:PASSWORD]@][HOST][:PORT][,HOST...]/DATABASE[?sslmode=verify-full&...]
// What it leaves out comes from libpq's environment: PGPASSWORD, PGPASSFILE, PGSSLMODE, ...
#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace cb::postgresql {

struct Address {
  std::vector<std::pair<std::string, std::string>> options;  // libpq's keywords and their values

  std::string to_text() const;  // for logs: without the password, and without other options

  // The same, but libpq tries the hosts from this one on, and then those before it. Any number: they are a ring.
  Address beginning_with(size_t host) const;
};

// Throws std::invalid_argument, which says what is wrong and contains nothing that may be part of a password.
Address parse_address(const std::string& url);

}  // namespace cb::postgresql
