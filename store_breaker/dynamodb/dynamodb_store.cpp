#include "store_breaker/dynamodb/dynamodb_store.hpp"

#include <algorithm>
#include <charconv>
#include <limits>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <thread>
#include <utility>

namespace cb {
namespace {

using nlohmann::json;
using namespace std::chrono_literals;

// The version that an item without a valid one is reported with, so that it can be replaced. Versions are random.
constexpr uint64_t of_no_version = 0x756e'7665'7273'696f;
constexpr uint64_t largest_version = std::numeric_limits<int64_t>::max();

json text_attribute(std::string text) { return {{"S", std::move(text)}}; }
json number_attribute(auto number) { return {{"N", std::to_string(number)}}; }

// Seconds with a fraction, exactly: "1707652212.25".
json seconds_attribute(TimePoint at) {
  const auto us = at.time_since_epoch().count();
  std::string fraction = std::to_string(1'000'000 + us % 1'000'000).substr(1);
  return {{"N", std::to_string(us / 1'000'000) + "." + fraction}};
}

// What a write sets, beside the key.
json attributes_of(const Record& record) {
  json attributes{{"version", number_attribute(record.version)},
                  {"state", text_attribute(std::string(to_text(record.snapshot.state)))},
                  {"generation", number_attribute(record.snapshot.generation)},
                  {"consecutive_failures", number_attribute(record.snapshot.counts.failures)},
                  {"record", text_attribute(to_text(record))}};
  if (record.last_failure > TimePoint{}) attributes["last_failure"] = seconds_attribute(record.last_failure);
  if (record.expires_at > TimePoint{}) {
    const auto seconds = std::chrono::ceil<std::chrono::seconds>(record.expires_at.time_since_epoch());
    attributes["expires_at"] = number_attribute(seconds.count());
  }
  return attributes;
}

// An UpdateItem may only change an item of that version; 0: create one.
void require_version(uint64_t expected, json& request) {
  json& values = request["ExpressionAttributeValues"];
  json& condition = request["ConditionExpression"];
  if (expected == 0) {
    condition = "attribute_not_exists(breaker_name)";
  } else if (expected == of_no_version) {
    condition = "attribute_exists(breaker_name) AND NOT version BETWEEN :least AND :most";
    values[":least"] = number_attribute(1);
    values[":most"] = number_attribute(largest_version);
  } else {
    condition = "version = :expected";
    values[":expected"] = number_attribute(expected);
  }
}

// Every name with a #, as some are words of DynamoDB's language.
void set_attributes(const json& attributes, json& request) {
  std::string expression;
  for (const auto& [name, value] : attributes.items()) {
    expression += (expression.empty() ? "SET #" : ", #") + name + " = :" + name;
    request["ExpressionAttributeNames"]["#" + name] = name;
    request["ExpressionAttributeValues"][":" + name] = value;
  }
  request["UpdateExpression"] = expression;
}

// Empty: it is not there, or not of that type.
std::string attribute(const json& item, const char* name, const char* type) {
  const auto found = item.find(name);
  if (found == item.end() || !found->is_object()) return "";
  const auto value = found->find(type);
  return value != found->end() && value->is_string() ? value->get<std::string>() : "";
}

// 0: it is not there, or not a number that a version or a run may have.
uint64_t number(const json& item, const char* name) {
  const std::string digits = attribute(item, name, "N");
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  const bool is_valid = error == std::errc{} && end == digits.data() + digits.size() && value <= largest_version;
  return is_valid ? value : 0;
}

Found found_in(const json& item) {
  Found found;
  found.version = number(item, "version");
  if (found.version == 0) found.version = of_no_version;
  found.run = number(item, "table_created_at_ms");
  auto record = record_from(attribute(item, "record", "S"));
  if (const auto* fault = std::get_if<std::string>(&record)) {
    found.fault = *fault;
  } else {
    found.record = std::get<Record>(std::move(record));
  }
  return found;
}

// null: it is not there.
json part(const json& object, const char* name) {
  return object.is_object() && object.contains(name) ? object.at(name) : json();
}

json table_in(const std::string& description) { return part(json::parse(description, nullptr, false), "Table"); }

const json expected_key = json::array({{{"AttributeName", "breaker_name"}, {"KeyType", "HASH"}}});
const json expected_type = {{"AttributeName", "breaker_name"}, {"AttributeType", "S"}};

StoreDeadline after(std::chrono::milliseconds time) { return std::chrono::steady_clock::now() + time; }

}  // namespace

DynamodbStore::DynamodbStore(DynamodbAddress address, DynamodbCredentials credentials)
    : client_(std::move(address), std::move(credentials)) {
  require_table();
}

std::variant<Found, StoreTrouble> DynamodbStore::read(const std::string& breaker, StoreDeadline deadline) {
  const json request{{"TableName", client_.address().table},
                     {"Key", {{"breaker_name", text_attribute(breaker)}}},
                     {"ConsistentRead", true}};
  const auto answer = client_.call("GetItem", request.dump(), deadline);
  if (const auto* error = std::get_if<DynamodbError>(&answer)) return trouble(error->what);
  const json item = part(json::parse(std::get<std::string>(answer), nullptr, false), "Item");
  if (item.is_object()) return found_in(item);
  // It was deleted, or the table is another one.
  if (!note_run(describe_table(deadline))) return trouble("the table could not be described");
  Found nothing;
  nothing.run = run_;
  return nothing;
}

std::variant<Written, StoreTrouble> DynamodbStore::compare_and_set(const std::string& breaker, uint64_t expected,
                                                                   const Record& record, StoreDeadline deadline) {
  json attributes = attributes_of(record);
  if ((expected == 0 || expected == of_no_version) && run_ != 0)
    attributes["table_created_at_ms"] = number_attribute(run_.load());
  json request{{"TableName", client_.address().table}, {"Key", {{"breaker_name", text_attribute(breaker)}}}};
  set_attributes(attributes, request);
  require_version(expected, request);
  const auto answer = client_.call("UpdateItem", request.dump(), deadline);
  const auto* error = std::get_if<DynamodbError>(&answer);
  if (error == nullptr) return Written::yes;
  if (error->type == "ConditionalCheckFailedException") return Written::conflict;
  return trouble(error->what);
}

std::variant<std::string, DynamodbError> DynamodbStore::describe_table(StoreDeadline deadline) {
  return client_.call("DescribeTable", json{{"TableName", client_.address().table}}.dump(), deadline);
}

// False: trouble. Without the permission to describe tables it is unknown which table this is, and never known.
bool DynamodbStore::note_run(const std::variant<std::string, DynamodbError>& description) {
  if (const auto* error = std::get_if<DynamodbError>(&description)) return error->type == "AccessDeniedException";
  const json created = part(table_in(std::get<std::string>(description)), "CreationDateTime");
  const double seconds = created.is_number() ? created.get<double>() : 0;
  run_ = seconds > 0 && seconds < 1e12 ? static_cast<uint64_t>(seconds * 1000) : 0;
  return true;
}

void DynamodbStore::require_table() {
  const auto description = describe_table(after(3s));
  const auto* error = std::get_if<DynamodbError>(&description);
  if (error == nullptr) {
    require_key(std::get<std::string>(description));
    note_run(description);
  } else if (error->type == "ResourceNotFoundException") {
    if (!client_.address().create_table)
      throw std::runtime_error(trouble(error->what + "; create it, or add create=true").what);
    create_table();
  } else if (error->is_final && error->type != "AccessDeniedException") {
    throw std::runtime_error(trouble(error->what).what);
  }
}

// Billed by request, so that the breakers need no estimate of their load. Another instance may be quicker.
void DynamodbStore::create_table() {
  const json request{{"TableName", client_.address().table},
                     {"KeySchema", expected_key},
                     {"AttributeDefinitions", json::array({expected_type})},
                     {"BillingMode", "PAY_PER_REQUEST"}};
  const auto answer = client_.call("CreateTable", request.dump(), after(5s));
  const auto* error = std::get_if<DynamodbError>(&answer);
  if (error != nullptr && error->type != "ResourceInUseException")
    throw std::runtime_error(trouble("the table could not be created: " + error->what).what);
  wait_for_table(after(30s));  // DynamoDB needs some seconds
}

void DynamodbStore::wait_for_table(StoreDeadline deadline) {
  while (std::chrono::steady_clock::now() < deadline) {
    const auto description = describe_table(deadline);
    const auto* text = std::get_if<std::string>(&description);
    if (text != nullptr && part(table_in(*text), "TableStatus") == "ACTIVE") {
      require_key(*text);
      note_run(description);
      return;
    }
    std::this_thread::sleep_for(100ms);
  }
  throw std::runtime_error(trouble("the table is still not ready after its creation").what);
}

void DynamodbStore::require_key(const std::string& description) const {
  const json table = table_in(description);
  const json types = part(table, "AttributeDefinitions");
  const bool is_text = types.is_array() && std::find(types.begin(), types.end(), expected_type) != types.end();
  if (part(table, "KeySchema") != expected_key || !is_text)
    throw std::runtime_error(
        trouble("table " + client_.address().table + " has another key than breaker_name, a string").what);
}

std::unique_ptr<RecordStore> open_dynamodb(const std::string& address) {
  return std::make_unique<DynamodbStore>(parse_dynamodb_address(address), credentials_from_environment());
}

}  // namespace cb
