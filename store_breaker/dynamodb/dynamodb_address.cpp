#include <algorithm>
#include <cstdlib>
#include <stdexcept>

#include "program/address.hpp"
#include "store_breaker/dynamodb/dynamodb_client.hpp"

namespace cb {
namespace {

constexpr std::string_view dynamodb_scheme = "dynamodb://";

[[noreturn]] void refuse_dynamodb(const std::string& why) {
  throw std::invalid_argument("dynamodb: " + why + "; write dynamodb://REGION/TABLE[?endpoint=URL][&create=true]");
}

bool has_only(std::string_view text, std::string_view allowed) {
  return !text.empty() && text.find_first_not_of(allowed) == std::string_view::npos;
}

void require_region(const std::string& region) {
  if (!has_only(region, "abcdefghijklmnopqrstuvwxyz0123456789-") || region.size() > 40)
    refuse_dynamodb("the region is missing or not valid, such as eu-central-1");
}

void require_table(const std::string& table) {
  constexpr std::string_view letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.";
  if (!has_only(table, letters) || table.size() < 3 || table.size() > 255)
    refuse_dynamodb("the table must have 3 to 255 characters of A-Z a-z 0-9 _ - .");
}

std::string endpoint_from(const std::string& name, const std::string& url) {
  return net::http_address("dynamodb: " + name, url, {"http", "https"});
}

void read_option(const std::string& option, DynamodbAddress& address) {
  const std::string name = option.substr(0, option.find('='));
  const std::string value = name.size() < option.size() ? option.substr(name.size() + 1) : "";
  if (name == "endpoint") {
    address.endpoint = endpoint_from(name, value);
  } else if (name == "create" && (value == "true" || value == "false")) {
    address.create_table = value == "true";
  } else {
    refuse_dynamodb("after the ? only endpoint=URL and create=true or false may follow");
  }
}

void read_options(const std::string& options, DynamodbAddress& address) {
  for (size_t start = 0; start < options.size();) {
    const size_t end = std::min(options.find('&', start), options.size());
    read_option(options.substr(start, end - start), address);
    start = end + 1;
  }
}

// Empty: not set.
std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

std::string endpoint_of(const std::string& region) {
  return "https://dynamodb." + region + (region.starts_with("cn-") ? ".amazonaws.com.cn" : ".amazonaws.com");
}

// A line break in one of them would begin another header.
std::string credential(const char* name) {
  std::string value = environment(name);
  if (std::any_of(value.begin(), value.end(), [](char letter) { return letter <= ' ' || letter > '~'; }))
    throw std::invalid_argument("dynamodb: " + std::string(name) + " has a space or another character that is invalid");
  return value;
}

}  // namespace

std::string DynamodbAddress::to_text() const {
  return std::string(dynamodb_scheme) + region + "/" + table + (is_overridden ? "?endpoint=" + endpoint : "");
}

DynamodbAddress parse_dynamodb_address(const std::string& text) {
  if (!text.starts_with(dynamodb_scheme)) refuse_dynamodb("it does not start with dynamodb://");
  const std::string rest = text.substr(dynamodb_scheme.size());
  const std::string path = rest.substr(0, rest.find('?'));
  const size_t slash = std::min(path.find('/'), path.size());
  DynamodbAddress address{.region = path.substr(0, slash), .table = slash < path.size() ? path.substr(slash + 1) : ""};
  require_region(address.region);
  require_table(address.table);
  if (path.size() < rest.size()) read_options(rest.substr(path.size() + 1), address);
  const std::string override_url = environment("AWS_ENDPOINT_URL");
  if (address.endpoint.empty() && !override_url.empty())
    address.endpoint = endpoint_from("AWS_ENDPOINT_URL", override_url);
  address.is_overridden = !address.endpoint.empty();
  if (!address.is_overridden) address.endpoint = endpoint_of(address.region);
  return address;
}

DynamodbCredentials credentials_from_environment() {
  DynamodbCredentials credentials{.key_id = credential("AWS_ACCESS_KEY_ID"),
                                  .secret_key = credential("AWS_SECRET_ACCESS_KEY"),
                                  .session_token = credential("AWS_SESSION_TOKEN")};
  if (credentials.key_id.empty() || credentials.secret_key.empty())
    throw std::invalid_argument("dynamodb: no credentials; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY");
  return credentials;
}

}  // namespace cb
