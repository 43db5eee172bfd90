#include "store_breaker/dynamodb/dynamodb_client.hpp"

#include <new>
#include <nlohmann/json.hpp>

#include "program/text.hpp"

namespace cb {
namespace {

using nlohmann::json;

constexpr size_t largest_answer = 256 * 1024;  // a record of 64 KiB with every character escaped is about twice as long
constexpr size_t most_idle = 16;

size_t append_answer(const char* data, size_t size, size_t count, void* to) {
  auto& answer = *static_cast<std::string*>(to);
  if (answer.size() + size * count > largest_answer) return 0;  // ends the transfer with CURLE_WRITE_ERROR
  try {
    answer.append(data, size * count);
  } catch (const std::bad_alloc&) {  // must not reach libcurl, which is C
    return 0;
  }
  return size * count;
}

std::string member(const json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

// "com.amazonaws.dynamodb.v20120810#ResourceNotFoundException" has its name at the end.
std::string error_type(const json& answer) {
  const std::string type = member(answer, "__type");
  return type.substr(type.find('#') + 1);
}

bool is_throttling(const std::string& type) {
  return type == "ProvisionedThroughputExceededException" || type == "ThrottlingException" ||
         type == "RequestLimitExceeded";
}

bool is_about_the_signature(const std::string& type) {
  return type == "UnrecognizedClientException" || type == "InvalidSignatureException" ||
         type == "IncompleteSignatureException" || type == "MissingAuthenticationTokenException" ||
         type == "InvalidClientTokenId";
}

}  // namespace

std::variant<std::string, DynamodbError> DynamodbClient::call(const std::string& operation, const std::string& body,
                                                              std::chrono::steady_clock::time_point deadline) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
  if (left.count() <= 0) return unreachable(CURLE_OPERATION_TIMEDOUT);
  Handle handle = take_idle();
  const Headers headers = headers_for(operation);
  if (!handle || !headers) return unreachable(CURLE_OUT_OF_MEMORY);
  std::string answer;
  set_up(handle.get());
  curl_easy_setopt(handle.get(), CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(handle.get(), CURLOPT_POSTFIELDSIZE, static_cast<long>(body.size()));
  curl_easy_setopt(handle.get(), CURLOPT_POSTFIELDS, body.data());
  curl_easy_setopt(handle.get(), CURLOPT_WRITEDATA, &answer);
  curl_easy_setopt(handle.get(), CURLOPT_TIMEOUT_MS, static_cast<long>(left.count()));
  const CURLcode code = curl_easy_perform(handle.get());
  long status = 0;
  curl_easy_getinfo(handle.get(), CURLINFO_RESPONSE_CODE, &status);
  keep(std::move(handle), code);
  if (code != CURLE_OK) return unreachable(code);
  if (status == 200 && json::parse(answer, nullptr, false).is_object()) return answer;
  return error_of(status, answer);
}

DynamodbClient::Handle DynamodbClient::take_idle() {
  const std::scoped_lock lock(mutex_);
  if (idle_.empty()) return Handle(curl_easy_init());
  Handle handle = std::move(idle_.back());
  idle_.pop_back();
  curl_easy_reset(handle.get());  // keeps its connection
  return handle;
}

// After a failure the connections of the same age are suspect, too: a firewall may have forgotten them all.
void DynamodbClient::keep(Handle handle, CURLcode code) {
  const std::scoped_lock lock(mutex_);
  if (code != CURLE_OK) {
    idle_.clear();
  } else if (idle_.size() < most_idle) {
    idle_.push_back(std::move(handle));
  }
}

// libcurl signs all of these, the host, the date and the body.
DynamodbClient::Headers DynamodbClient::headers_for(const std::string& operation) const {
  std::vector<std::string> lines{"Content-Type: application/x-amz-json-1.0",
                                 "X-Amz-Target: DynamoDB_20120810." + operation};
  if (!credentials_.session_token.empty()) lines.push_back("X-Amz-Security-Token: " + credentials_.session_token);
  Headers headers;
  for (const std::string& line : lines) {
    curl_slist* longer = curl_slist_append(headers.get(), line.c_str());
    if (longer == nullptr) return nullptr;
    (void)headers.release();
    headers.reset(longer);
  }
  return headers;
}

void DynamodbClient::set_up(CURL* handle) const {
  curl_easy_setopt(handle, CURLOPT_URL, (address_.endpoint + "/").c_str());
  curl_easy_setopt(handle, CURLOPT_AWS_SIGV4, ("aws:amz:" + address_.region + ":dynamodb").c_str());
  curl_easy_setopt(handle, CURLOPT_USERNAME, credentials_.key_id.c_str());
  curl_easy_setopt(handle, CURLOPT_PASSWORD, credentials_.secret_key.c_str());
  curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(handle, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  curl_easy_setopt(handle, CURLOPT_PROXY, "");
  curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);  // without it a timeout may use SIGALRM, which is unsafe with threads
#if LIBCURL_VERSION_NUM >= 0x075700
  curl_easy_setopt(handle, CURLOPT_QUICK_EXIT, 1L);  // do not wait for a name server that hangs
#endif
  curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, &append_answer);
}

// DynamoDB's message is left out where it may quote what was signed, which includes the session token.
DynamodbError DynamodbClient::error_of(long status, const std::string& body) const {
  const json answer = json::parse(body, nullptr, false);
  const std::string type = words::on_one_line(answer.is_object() ? error_type(answer) : "");
  if (status >= 500) return {type, "the service failed: HTTP " + std::to_string(status)};
  if (type.empty()) return {type, address_.endpoint + " is not DynamoDB: HTTP " + std::to_string(status)};
  if (is_throttling(type)) return {type, "throttled: " + type};
  if (type == "ResourceNotFoundException")
    return {type, "table " + address_.table + " does not exist in " + address_.region, true};
  if (type == "AccessDeniedException")
    return {type, "access denied: these credentials lack a permission for table " + address_.table, true};
  if (type == "ExpiredTokenException") return {type, "the session token has expired", true};
  if (is_about_the_signature(type))
    return {type, "credentials not accepted (" + type + "); or they are for another region than " + address_.region,
            true};
  const std::string message = member(answer, answer.contains("message") ? "message" : "Message");
  return {type, type + (message.empty() ? "" : ": " + words::on_one_line(message))};
}

DynamodbError DynamodbClient::unreachable(CURLcode code) const {
  if (code == CURLE_OPERATION_TIMEDOUT) return {"", "no answer in time from " + address_.endpoint};
  if (code == CURLE_WRITE_ERROR) return {"", address_.endpoint + " sent a longer answer than this client takes"};
  return {"", address_.endpoint + ": " + curl_easy_strerror(code)};
}

}  // namespace cb
