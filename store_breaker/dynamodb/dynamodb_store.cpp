#include "store_breaker/dynamodb/dynamodb_store.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <thread>
#include <utility>

#include "store_breaker/dynamodb/dynamodb_item.hpp"

namespace cb {
namespace {

using nlohmann::json;
using namespace std::chrono_literals;

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
  const auto answer = client_.call("GetItem", get_item_request(client_.address().table, breaker), deadline);
  if (const auto* error = std::get_if<DynamodbError>(&answer)) return trouble(error->what);
  if (auto found = found_in_answer(std::get<std::string>(answer))) return *std::move(found);
  // It was deleted, or the table is another one.
  if (!note_run(describe_table(deadline))) return trouble("the table could not be described");
  Found nothing;
  nothing.run = run_;
  return nothing;
}

std::variant<Written, StoreTrouble> DynamodbStore::compare_and_set(const std::string& breaker, uint64_t expected,
                                                                   const Record& record, StoreDeadline deadline) {
  const std::string request = update_item_request(client_.address().table, {breaker, expected, record, run_});
  const auto answer = client_.call("UpdateItem", request, deadline);
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
    if (!accept(description)) wait_for_table(after(30s));  // another instance has just created it
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
  wait_for_table(after(30s));
}

// DynamoDB needs some seconds to create one.
void DynamodbStore::wait_for_table(StoreDeadline deadline) {
  while (std::chrono::steady_clock::now() < deadline) {
    if (accept(describe_table(deadline))) return;
    std::this_thread::sleep_for(100ms);
  }
  throw std::runtime_error(trouble("the table is still not ready after its creation").what);
}

// False: it cannot be used yet.
bool DynamodbStore::accept(const std::variant<std::string, DynamodbError>& description) {
  const auto* text = std::get_if<std::string>(&description);
  if (text == nullptr || part(table_in(*text), "TableStatus") == "CREATING") return false;
  require_key(*text);
  return note_run(description);
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
  DynamodbAddress parsed = parse_dynamodb_address(address);  // what is wrong with it comes first
  return std::make_unique<DynamodbStore>(std::move(parsed), credentials_from_environment());
}

}  // namespace cb
