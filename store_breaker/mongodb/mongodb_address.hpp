// The address of a MongoDB database, as its driver reads it:
//   mongodb://[USER:PASSWORD@]HOST[:PORT][,HOST...]/[DATABASE][?OPTIONS]
#pragma once

#include <string>

#include "store_breaker/mongodb/driver.hpp"

namespace cb {

// With timeouts where the address has none; whatever it says, writes wait for a majority, and reads ask the primary.
// Throws std::invalid_argument, which contains nothing of the address: part of it may be a password.
Owned<mongoc_uri_t> parse_mongodb_address(const std::string& address);

std::string database_of(const mongoc_uri_t* uri);
std::string name_of(const mongoc_uri_t* uri);  // its hosts and database, and no login

}  // namespace cb
