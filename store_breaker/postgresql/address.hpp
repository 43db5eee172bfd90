// The address of a PostgreSQL database, as libpq reads it:
//   postgresql://[USER[:PASSWORD]@][HOST][:PORT][,HOST...]/DATABASE[?sslmode=verify-full&...]
// What it leaves out comes from libpq's environment: PGPASSWORD, PGPASSFILE, PGSSLMODE, ...
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace cb::postgresql {

struct Address {
  std::vector<std::pair<std::string, std::string>> options;  // libpq's keywords and their values

  std::string to_text() const;  // for logs: without the password, and without other options
};

// Throws std::invalid_argument, which says what is wrong and contains nothing that may be part of a password.
Address parse_address(const std::string& url);

}  // namespace cb::postgresql
