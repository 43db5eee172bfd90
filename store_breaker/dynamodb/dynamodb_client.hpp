// A DynamodbClient sends operations to DynamoDB over HTTP. libcurl signs each with the secret key (Signature Version
// 4), and keeps connections open for the next. Thread-safe: every method. Errors: the functions that read an address or
// the environment throw std::invalid_argument, one clear line; afterwards nothing throws. Neither the secret key nor
// the session token is ever part of a message.
#pragma once

#include <curl/curl.h>

#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <variant>
#include <vector>

namespace cb {

struct DynamodbAddress {
  std::string region;
  std::string table;
  std::string endpoint{};      // http://HOST:PORT or https://HOST:PORT
  bool is_overridden = false;  // the endpoint is not the region's
  bool create_table = false;   // if it does not exist

  // "dynamodb://eu-central-1/breakers", and the endpoint if it is overridden.
  std::string to_text() const;
};

// dynamodb://REGION/TABLE[?endpoint=URL][&create=true]. Without `endpoint` the environment's AWS_ENDPOINT_URL counts.
DynamodbAddress parse_dynamodb_address(const std::string& text);

struct DynamodbCredentials {
  std::string key_id;
  std::string secret_key;
  std::string session_token{};  // empty: these are no temporary credentials
};

// AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and, if it is set, AWS_SESSION_TOKEN.
DynamodbCredentials credentials_from_environment();

struct DynamodbError {
  std::string type{};     // "ConditionalCheckFailedException"; empty: what answered was not DynamoDB, or nothing did
  std::string what{};     // one line for people
  bool is_final = false;  // a person must change something; to try again cannot help
};

class DynamodbClient {
 public:
  DynamodbClient(DynamodbAddress address, DynamodbCredentials credentials)
      : address_(std::move(address)), credentials_(std::move(credentials)) {}

  // Sends `body`, a JSON object, to an operation such as GetItem. Returns the JSON object of the answer.
  std::variant<std::string, DynamodbError> call(const std::string& operation, const std::string& body,
                                                std::chrono::steady_clock::time_point deadline);

  const DynamodbAddress& address() const { return address_; }

 private:
  struct Free {
    void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
    void operator()(curl_slist* list) const { curl_slist_free_all(list); }
  };
  using Handle = std::unique_ptr<CURL, Free>;
  using Headers = std::unique_ptr<curl_slist, Free>;

  Handle take_idle();
  void keep(Handle handle, CURLcode code);
  Headers headers_for(const std::string& operation) const;
  void set_up(CURL* handle) const;
  DynamodbError error_of(long status, const std::string& body) const;
  DynamodbError unreachable(CURLcode code) const;

  const DynamodbAddress address_;
  const DynamodbCredentials credentials_;
  std::mutex mutex_;
  std::vector<Handle> idle_;  // guarded by mutex_; each with at most one open connection
};

}  // namespace cb
