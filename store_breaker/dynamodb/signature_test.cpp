// Does libcurl sign as AWS wants it? No server here checks signatures, dynalite included. So a server of the test
// receives the requests, and the test computes the signature again, by code that AWS's published test vectors check.
#include <curl/curl.h>
#include <doctest/doctest.h>

#include <algorithm>
#include <memory>
#include <mutex>

#include "program/http/http_server.hpp"
#include "store_breaker/dynamodb/dynamodb_client.hpp"
#include "store_breaker/dynamodb/signature_for_test.hpp"

using namespace cb;
using namespace std::chrono_literals;

namespace {

// The suite aws-sig-v4-test-suite, which AWS published: these credentials, this date, us-east-1, "service".
const std::string vector_key_id = "AKIDEXAMPLE";
const std::string vector_secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
const std::string vector_date = "20150830T123600Z";
const std::string vector_host = "example.amazonaws.com";
const std::string form_type = "application/x-www-form-urlencoded";
const std::string session_token =
    "AQoDYXdzEPT//////////"
    "wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUuwthAx"
    "7mSEI/qkPpKPi/"
    "kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6"
    "d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA==";

struct Vector {
  std::string name;
  ReceivedRequest request;
  std::string signature;
};

const std::vector<Vector> vectors{
    {"get-vanilla", {}, "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
    {"post-vanilla", {.method = "POST"}, "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"},
    {"get-vanilla-query-order-key-case",
     {.query = "Param1=value1&Param2=value2"},
     "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"},
    {"post-x-www-form-urlencoded",
     {.method = "POST", .headers = {{"content-type", form_type}}, .body = "Param1=value1"},
     "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"},
    {"get-header-value-trim",
     {.headers = {{"my-header1", " value1"}, {"my-header2", " \"a   b   c\""}}},
     "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736"},
    {"post-sts-header-before",
     {.method = "POST", .headers = {{"x-amz-security-token", session_token}}},
     "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead"},
};

// Keeps the last request that it received, and answers {}.
class Receiver {
 public:
  Receiver() {
    const auto keep = [this](const httplib::Request& request, httplib::Response& response) {
      const std::scoped_lock lock(mutex_);
      last_ = {.method = request.method, .path = request.path, .body = request.body};
      for (const auto& [name, value] : request.headers) last_.headers[lower(name)] = value;
      program::answer_json(response, 200, "{}");
    };
    server_.Get("/", keep);
    server_.Post("/", keep);
    server_.bind("127.0.0.1", 0);
    server_.start();
  }

  const std::string& url() const { return server_.url(); }
  ReceivedRequest last() {
    const std::scoped_lock lock(mutex_);
    return last_;
  }

 private:
  static std::string lower(std::string name) {
    std::transform(name.begin(), name.end(), name.begin(), [](unsigned char letter) { return std::tolower(letter); });
    return name;
  }

  std::mutex mutex_;
  ReceivedRequest last_;  // guarded by mutex_
  program::HttpServer server_{2};
};

Authorization authorization_of(const ReceivedRequest& request) {
  return parse_authorization(request.headers.at("authorization"));
}

// Sends a vector's request with the vector's date, which libcurl then signs with.
void send_with_libcurl(const Vector& vector, const std::string& url) {
  const std::unique_ptr<CURL, void (*)(CURL*)> handle(curl_easy_init(), curl_easy_cleanup);
  curl_slist* headers = curl_slist_append(nullptr, ("Host: " + vector_host).c_str());
  headers = curl_slist_append(headers, ("X-Amz-Date: " + vector_date).c_str());
  for (const auto& [name, value] : vector.request.headers)
    headers = curl_slist_append(headers, (name + ":" + value).c_str());
  const std::unique_ptr<curl_slist, void (*)(curl_slist*)> free_headers(headers, curl_slist_free_all);
  curl_easy_setopt(handle.get(), CURLOPT_URL, (url + "/").c_str());
  curl_easy_setopt(handle.get(), CURLOPT_PROXY, "");
  curl_easy_setopt(handle.get(), CURLOPT_AWS_SIGV4, "aws:amz:us-east-1:service");
  curl_easy_setopt(handle.get(), CURLOPT_USERNAME, vector_key_id.c_str());
  curl_easy_setopt(handle.get(), CURLOPT_PASSWORD, vector_secret.c_str());
  curl_easy_setopt(handle.get(), CURLOPT_HTTPHEADER, headers);
  if (vector.request.method == "POST") curl_easy_setopt(handle.get(), CURLOPT_POSTFIELDS, vector.request.body.c_str());
  curl_easy_setopt(
      handle.get(), CURLOPT_WRITEFUNCTION, +[](const char*, size_t size, size_t count, void*) { return size * count; });
  REQUIRE(curl_easy_perform(handle.get()) == CURLE_OK);
}

DynamodbClient client_of(const std::string& endpoint, const std::string& token) {
  return DynamodbClient({.region = "eu-central-1", .table = "breakers", .endpoint = endpoint},
                        {.key_id = "AKLAB", .secret_key = "lab/secret+key", .session_token = token});
}

}  // namespace

TEST_CASE("the test's own signatures are those that AWS published") {
  for (const Vector& vector : vectors) {
    CAPTURE(vector.name);
    ReceivedRequest request = vector.request;
    request.headers["host"] = vector_host;
    request.headers["x-amz-date"] = vector_date;
    Authorization authorization{.key_id = vector_key_id, .scope = "20150830/us-east-1/service/aws4_request"};
    for (const auto& header : request.headers) authorization.headers.push_back(header.first);
    CHECK(signature_of(request, authorization, vector_secret) == vector.signature);
  }
}

TEST_CASE("libcurl's signatures are those that AWS published") {
  Receiver receiver;
  for (const Vector& vector : vectors) {
    if (!vector.request.query.empty() || vector.name == "get-header-value-trim") continue;  // DynamoDB needs neither
    CAPTURE(vector.name);
    send_with_libcurl(vector, receiver.url());
    const Authorization authorization = authorization_of(receiver.last());
    CHECK(authorization.scope == "20150830/us-east-1/service/aws4_request");
    CHECK(authorization.signature == vector.signature);
  }
}

TEST_CASE("a request to DynamoDB is signed with its operation, its body and the session token") {
  Receiver receiver;
  DynamodbClient client = client_of(receiver.url(), session_token);
  REQUIRE(std::holds_alternative<std::string>(
      client.call("GetItem", R"({"TableName":"breakers"})", std::chrono::steady_clock::now() + 5s)));
  const ReceivedRequest request = receiver.last();
  const Authorization authorization = authorization_of(request);
  CHECK(request.headers.at("x-amz-target") == "DynamoDB_20120810.GetItem");
  CHECK(request.headers.at("x-amz-security-token") == session_token);
  CHECK(request.body == R"({"TableName":"breakers"})");
  CHECK(authorization.key_id == "AKLAB");
  CHECK(authorization.scope == request.headers.at("x-amz-date").substr(0, 8) + "/eu-central-1/dynamodb/aws4_request");
  CHECK(authorization.headers ==
        std::vector<std::string>{"content-type", "host", "x-amz-date", "x-amz-security-token", "x-amz-target"});
  CHECK(authorization.signature == signature_of(request, authorization, "lab/secret+key"));
  CHECK(authorization.signature != signature_of(request, authorization, "another key"));
}

TEST_CASE("without a session token none is sent") {
  Receiver receiver;
  DynamodbClient client = client_of(receiver.url(), "");
  REQUIRE(std::holds_alternative<std::string>(client.call("GetItem", "{}", std::chrono::steady_clock::now() + 5s)));
  const ReceivedRequest request = receiver.last();
  const Authorization authorization = authorization_of(request);
  CHECK(request.headers.count("x-amz-security-token") == 0);
  CHECK(authorization.signature == signature_of(request, authorization, "lab/secret+key"));
}
