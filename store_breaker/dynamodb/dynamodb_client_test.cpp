// What a DynamodbClient makes of servers that answer wrongly, late, or not at all.
#include "store_breaker/dynamodb/dynamodb_client.hpp"

#include <doctest/doctest.h>

#include <future>

#include "program/http/http_server.hpp"

using namespace cb;
using namespace std::chrono_literals;

namespace {

const std::string secret = "hidden-secret";
const std::string token = "hidden-token";

// Answers every request with the same status and text.
struct StandIn {
  StandIn(int status, std::string text) {
    server.Post("/", [status, text = std::move(text)](const auto&, auto& response) {
      program::answer_json(response, status, text);
    });
    server.bind("127.0.0.1", 0);
    server.start();
  }
  DynamodbAddress address() const {
    return {.region = "eu-central-1", .table = "breakers", .endpoint = server.url(), .is_overridden = true};
  }
  program::HttpServer server{2};
};

DynamodbCredentials credentials() { return {.key_id = "AKLAB", .secret_key = secret, .session_token = token}; }

DynamodbError error_of(const DynamodbAddress& address, std::chrono::milliseconds timeout = 5s) {
  DynamodbClient client(address, credentials());
  const auto answer = client.call("GetItem", "{}", std::chrono::steady_clock::now() + timeout);
  REQUIRE(std::holds_alternative<DynamodbError>(answer));
  const auto& error = std::get<DynamodbError>(answer);
  CHECK(error.what.find("hidden") == std::string::npos);
  CHECK(error.what.find('\n') == std::string::npos);
  return error;
}

DynamodbError error_of(int status, const std::string& text) { return error_of(StandIn(status, text).address()); }

std::string refusal(const std::string& type, const std::string& message = "") {
  return R"({"__type":"com.amazonaws.dynamodb.v20120810#)" + type + R"(","message":")" + message + R"("})";
}

// In the words of libcurl, which differ between versions: "Couldn't" or "Could not".
bool says(const std::string& what, std::string_view address, std::string_view cause) {
  return what.starts_with(std::string(address) + ": Could") && what.find(cause) != std::string::npos;
}

}  // namespace

TEST_CASE("each refusal by DynamoDB is one line, without what was signed") {
  for (const char* type : {"ProvisionedThroughputExceededException", "ThrottlingException", "RequestLimitExceeded"}) {
    CHECK(error_of(400, refusal(type)).what == "throttled: " + std::string(type));
    CHECK_FALSE(error_of(400, refusal(type)).is_final);
  }
  CHECK(error_of(400, refusal("ResourceNotFoundException")).what == "table breakers does not exist in eu-central-1");
  CHECK(error_of(400, refusal("AccessDeniedException", "User: arn:... is not authorized")).what ==
        "access denied: these credentials lack a permission for table breakers");
  CHECK(error_of(400, refusal("ExpiredTokenException")).what == "the session token has expired");
  CHECK(error_of(400, refusal("InvalidSignatureException", "should have been x-amz-security-token:" + token)).what ==
        "credentials not accepted (InvalidSignatureException); or they are for another region than eu-central-1");
  CHECK(error_of(400, refusal("ValidationException", "one\\ntwo")).what == "ValidationException: one two");
}

TEST_CASE("a service that fails is trouble, and so is one that is not DynamoDB") {
  CHECK(error_of(500, refusal("InternalServerError")).what == "the service failed: HTTP 500");
  CHECK(error_of(503, "<html>").what == "the service failed: HTTP 503");
  const StandIn web(404, "<html>");
  CHECK(error_of(web.address()).what == web.server.url() + " is not DynamoDB: HTTP 404");
  CHECK_FALSE(error_of(web.address()).is_final);
  CHECK(error_of(200, "<html>").what.ends_with("is not DynamoDB: HTTP 200"));
}

TEST_CASE("an answer that is too long ends the transfer") {
  CHECK(error_of(200, std::string(300'000, 'x')).what.ends_with("sent a longer answer than this client takes"));
}

TEST_CASE("a refused connection and an unknown host are named") {
  const DynamodbAddress refusing{.region = "lab", .table = "breakers", .endpoint = "http://127.0.0.1:1"};
  CHECK(says(error_of(refusing).what, "http://127.0.0.1:1", " connect to server"));
  const DynamodbAddress unknown{.region = "lab", .table = "breakers", .endpoint = "http://a.invalid"};
  CHECK(says(error_of(unknown).what, "http://a.invalid", " resolve host"));
}

TEST_CASE("the deadline ends a request that hangs") {
  std::promise<void> release;
  program::HttpServer server(2);
  server.Post("/", [released = release.get_future().share()](const auto&, auto&) { released.wait(); });
  server.bind("127.0.0.1", 0);
  server.start();
  const DynamodbAddress address{.region = "lab", .table = "breakers", .endpoint = server.url()};
  const auto began = std::chrono::steady_clock::now();
  CHECK(error_of(address, 100ms).what == "no answer in time from " + server.url());
  CHECK(std::chrono::steady_clock::now() - began < 3s);
  release.set_value();
}

TEST_CASE("after its deadline a request is not sent") {
  const StandIn other(200, "{}");
  CHECK(error_of(other.address(), -1ms).what == "no answer in time from " + other.server.url());
}
