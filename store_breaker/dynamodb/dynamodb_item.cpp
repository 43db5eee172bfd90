#include "store_breaker/dynamodb/dynamodb_item.hpp"

#include <charconv>
#include <limits>
#include <nlohmann/json.hpp>
#include <utility>

namespace cb {
namespace {

using nlohmann::json;

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
  const auto found = item.is_object() ? item.find(name) : item.end();
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

Found found_in_item(const json& item) {
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

json with_key(const std::string& table, const std::string& breaker) {
  return {{"TableName", table}, {"Key", {{"breaker_name", text_attribute(breaker)}}}};
}

}  // namespace

std::string get_item_request(const std::string& table, const std::string& breaker) {
  json request = with_key(table, breaker);
  request["ConsistentRead"] = true;
  return request.dump();
}

std::optional<Found> found_in_answer(const std::string& answer) {
  const json object = json::parse(answer, nullptr, false);
  if (!object.is_object() || !object.contains("Item")) return std::nullopt;
  return found_in_item(object.at("Item"));
}

std::string update_item_request(const std::string& table, const ItemWrite& write) {
  json attributes = attributes_of(write.record);
  const bool creates = write.expected == 0 || write.expected == of_no_version;
  if (creates && write.run != 0) attributes["table_created_at_ms"] = number_attribute(write.run);
  json request = with_key(table, write.breaker);
  set_attributes(attributes, request);
  require_version(write.expected, request);
  return request.dump();
}

}  // namespace cb
