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

TEST_CASE("the hosts of an address can be tried from any of them on, each with its port") {
  const Address three = parse_address("postgresql://a:1,b,c:3/lab");
  CHECK(three.beginning_with(0).to_text() == three.to_text());
  CHECK(three.beginning_with(1).to_text() == "postgresql://b,c:3,a:1/lab");
  CHECK(three.beginning_with(5).to_text() == "postgresql://c:3,a:1,b/lab");
  for (const auto& [url, second] : {
           std::pair{"postgresql://db:5433/lab", "postgresql://db:5433/lab"},
           std::pair{"postgresql:///lab", "postgresql:///lab"},
           std::pair{"postgresql:///lab?host=a,b&port=7", "postgresql://b:7,a:7/lab"},
           std::pair{"postgresql:///lab?host=/run/postgresql,b", "postgresql://b,%2Frun%2Fpostgresql/lab"},
           std::pair{"postgresql:///lab?hostaddr=1.1.1.1,2.2.2.2&port=1,2", "postgresql://2.2.2.2:2,1.1.1.1:1/lab"},
       }) {
    CHECK(parse_address(url).beginning_with(1).to_text() == second);
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
