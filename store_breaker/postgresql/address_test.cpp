#include "store_breaker/postgresql/address.hpp"

#include <doctest/doctest.h>

#include <stdexcept>

using namespace cb::postgresql;

namespace {

std::string fault_of_address(const std::string& url) {
  try {
    parse_address(url);
    return "";
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
}

}  // namespace

TEST_CASE("an address in a log has neither a password nor other options") {
  for (const auto& [url, text] : {
           std::pair{"postgresql://ann:secret@db:5433/lab?sslmode=require", "postgresql://ann@db:5433/lab"},
           std::pair{"postgresql://db/lab?password=secret&user=a%40b", "postgresql://a%40b@db/lab"},
           std::pair{"postgresql://ann:se%40cret@[::1]:5433,db2:1/lab", "postgresql://ann@[::1]:5433,db2:1/lab"},
           std::pair{"postgresql:///lab?host=/run/postgresql", "postgresql://%2Frun%2Fpostgresql/lab"},
           std::pair{"postgresql:///lab", "postgresql:///lab"},
       }) {
    CHECK(parse_address(url).to_text() == text);
  }
}

TEST_CASE("an address that is not valid is refused without what may be a password") {
  CHECK(fault_of_address("postgresql://ann:se@cret@db/lab") ==
        "store: the address has an @ in a host, a port or the database (in a user or password write @ : / % as %40 %3A "
        "%2F %25)");
  CHECK(fault_of_address("postgresql://ann:sec/ret@db/lab").starts_with("store: the address has an @"));
  CHECK(fault_of_address("postgresql://secret:secret/lab").starts_with("store: the port is not a whole number"));
  CHECK(fault_of_address("postgresql://db/lab?secret=secret") ==
        "store: the address is not valid: invalid URI query parameter");
  for (const std::string url : {"postgresql://ann:secret%zz@db/lab", "postgresql://ann:secret@[::1/lab",
                                "postgresql://ann:secret@[::1]secret/lab", "postgresql://db/lab?user=secret=secret",
                                "postgresql://db/lab?secret"}) {
    CAPTURE(url);
    CHECK(fault_of_address(url).starts_with("store: the address is not valid: "));
    CHECK(fault_of_address(url).find("secret") == std::string::npos);
  }
}
