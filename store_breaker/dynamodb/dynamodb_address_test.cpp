#include <doctest/doctest.h>

#include <cstdlib>
#include <stdexcept>

#include "store_breaker/dynamodb/dynamodb_client.hpp"

using namespace cb;

namespace {

// An environment variable for the time of a test.
class Variable {
 public:
  Variable(const char* name, const char* value) : name_(name) { setenv(name, value, 1); }
  ~Variable() { unsetenv(name_); }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;

 private:
  const char* name_;
};

std::string fault_of(const std::string& address) {
  try {
    parse_dynamodb_address(address);
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "";
}

bool names(const std::string& fault, const std::string& what) { return fault.find(what) != std::string::npos; }

}  // namespace

TEST_CASE("an address names region and table, and the region names the endpoint") {
  const DynamodbAddress address = parse_dynamodb_address("dynamodb://eu-central-1/breakers");
  CHECK(address.region == "eu-central-1");
  CHECK(address.table == "breakers");
  CHECK(address.endpoint == "https://dynamodb.eu-central-1.amazonaws.com");
  CHECK_FALSE(address.create_table);
  CHECK(address.to_text() == "dynamodb://eu-central-1/breakers");
  CHECK(parse_dynamodb_address("dynamodb://cn-north-1/breakers").endpoint ==
        "https://dynamodb.cn-north-1.amazonaws.com.cn");
}

TEST_CASE("the address's endpoint counts before the environment's, and that before the region's") {
  const Variable variable("AWS_ENDPOINT_URL", "http://127.0.0.1:8001/");
  CHECK(parse_dynamodb_address("dynamodb://lab/breakers").endpoint == "http://127.0.0.1:8001");
  const auto address = parse_dynamodb_address("dynamodb://lab/breakers?endpoint=https://db.internal&create=true");
  CHECK(address.endpoint == "https://db.internal:443");
  CHECK(address.create_table);
  CHECK(address.to_text() == "dynamodb://lab/breakers?endpoint=https://db.internal:443");
}

TEST_CASE("an address that is not valid is one line that says why") {
  CHECK(names(fault_of("dynamodb:///breakers"), "the region is missing or not valid"));
  CHECK(names(fault_of("dynamodb://EU/breakers"), "the region is missing or not valid"));
  CHECK(names(fault_of("dynamodb://key:secret@lab/breakers"), "the region is missing or not valid"));
  CHECK_FALSE(names(fault_of("dynamodb://key:secret@lab/breakers"), "secret"));
  for (const char* table : {"", "/", "/ab", "/a b", "/breakers/", "/a\nb"}) {
    CHECK(names(fault_of(std::string("dynamodb://lab") + table), "the table must have"));
  }
  CHECK(names(fault_of("dynamodb://lab/breakers?create=maybe"), "after the ? only"));
  CHECK(names(fault_of("dynamodb://lab/breakers?password=x"), "after the ? only"));
  CHECK(names(fault_of("dynamodb://lab/breakers?endpoint=ftp://x"), "endpoint is 'ftp://x'"));
  CHECK(names(fault_of("dynamodb://lab/breakers?endpoint="), "endpoint is ''"));
  const Variable variable("AWS_ENDPOINT_URL", "http://key:secret@db");
  CHECK(names(fault_of("dynamodb://lab/breakers"), "AWS_ENDPOINT_URL"));
  CHECK_FALSE(names(fault_of("dynamodb://lab/breakers"), "secret"));
}

TEST_CASE("credentials come from the environment, and cannot begin another header") {
  CHECK_THROWS_WITH(credentials_from_environment(),
                    "dynamodb: no credentials; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY");
  const Variable key("AWS_ACCESS_KEY_ID", "AKLAB");
  CHECK_THROWS_WITH(credentials_from_environment(),
                    "dynamodb: no credentials; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY");
  const Variable secret("AWS_SECRET_ACCESS_KEY", "hidden");
  CHECK(credentials_from_environment().session_token.empty());
  const Variable token("AWS_SESSION_TOKEN", "hidden\r\nX-Other: 1");
  CHECK_THROWS_WITH(credentials_from_environment(),
                    "dynamodb: AWS_SESSION_TOKEN has a space or another character that is invalid");
}
