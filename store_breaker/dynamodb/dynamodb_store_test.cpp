// DynamodbStore over dynalite.
#include "store_breaker/dynamodb/dynamodb_store.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "program/processes/tcp_proxy.hpp"
#include "program/wait_until.hpp"
#include "store_breaker/dynamodb/dynalite_for_test.hpp"
#include "store_breaker/tests/store_fleet_for_test.hpp"
#include "store_breaker/tests/store_outage_for_test.hpp"

using namespace cb;
using namespace std::chrono_literals;
using nlohmann::json;

namespace {

const std::string key = "payments";

// A table, and what a person can do to it with Amazon's tools.
struct Fixture {
  explicit Fixture(const std::string& table) : address(dynalite().address(table)), person(address, any_credentials()) {}

  static const Dynalite& dynalite() {
    static const Dynalite server;
    return server;
  }

  std::unique_ptr<DynamodbStore> open() const { return std::make_unique<DynamodbStore>(address, any_credentials()); }

  json call(const std::string& operation, json request) {
    request["TableName"] = address.table;
    const auto answer = person.call(operation, request.dump(), in_five_seconds());
    const auto* error = std::get_if<DynamodbError>(&answer);
    REQUIRE_MESSAGE(error == nullptr, error->what);
    return json::parse(std::get<std::string>(answer));
  }

  json item() { return call("GetItem", {{"Key", {{"breaker_name", {{"S", key}}}}}}).value("Item", json()); }
  void put(json item) {
    item["breaker_name"] = {{"S", key}};
    call("PutItem", {{"Item", item}});
  }
  void delete_item() { call("DeleteItem", {{"Key", {{"breaker_name", {{"S", key}}}}}}); }
  void delete_table() {
    call("DeleteTable", json::object());
    const std::string request = json{{"TableName", address.table}}.dump();
    REQUIRE(program::wait_until(
        [&] { return std::holds_alternative<DynamodbError>(person.call("DescribeTable", request, in_five_seconds())); },
        10s));
  }
  void create_table(const std::string& name, const std::string& type) {
    call("CreateTable", {{"KeySchema", json::array({{{"AttributeName", name}, {"KeyType", "HASH"}}})},
                         {"AttributeDefinitions", json::array({{{"AttributeName", name}, {"AttributeType", type}}})},
                         {"BillingMode", "PAY_PER_REQUEST"}});
  }

  DynamodbAddress address;
  DynamodbClient person;
};

std::string fault_of(const DynamodbAddress& address) {
  try {
    DynamodbStore(address, any_credentials());
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return "";
}

}  // namespace

TEST_CASE("DynamoDB does what every store must do") {
  Fixture fixture("contract");
  const auto store = fixture.open();
  check_store_contract(*store, "contract");
  check_longest_record(*store, "longest");
  check_garbage(*store, key, [&](const std::string& text) {
    json item = fixture.item();
    item["record"] = {{"S", text}};
    fixture.put(item);
  });
  CHECK(std::get<0>(store->watch()) == nullptr);
  CHECK(store->poll_interval() == 700ms);
}

TEST_CASE("an item has attributes that people and expiry can read") {
  Fixture fixture("attributes");
  const auto store = fixture.open();
  Record record = record_of_version(50);
  record.snapshot.state = State::open;
  record.snapshot.counts.failures = 3;
  record.last_failure = TimePoint(1'707'652'212'250'001us);
  record.expires_at = TimePoint(1'707'652'300'000'001us);
  write_record(*store, key, 0, record);
  CHECK(fixture.item() == json{{"breaker_name", {{"S", key}}},
                               {"table_created_at_ms", {{"N", std::to_string(read_record(*store, key).run)}}},
                               {"version", {{"N", "50"}}},
                               {"state", {{"S", "open"}}},
                               {"generation", {{"N", "7"}}},
                               {"consecutive_failures", {{"N", "3"}}},
                               {"last_failure", {{"N", "1707652212.250001"}}},
                               {"expires_at", {{"N", "1707652301"}}},
                               {"record", {{"S", to_text(record)}}}});
}

TEST_CASE("an item without a valid version can be replaced, once") {
  Fixture fixture("unversioned");
  const auto store = fixture.open();
  for (const json& version : {json(), json{{"S", "50"}}, json{{"N", "-5"}}, json{{"N", "0"}}}) {
    CAPTURE(version.dump());
    json item{{"state", {{"S", "open"}}}};
    if (!version.is_null()) item["version"] = version;
    fixture.put(item);
    const Found garbage = read_record(*store, key);
    CHECK(garbage.version != 0);
    CHECK(garbage.fault == R"(the record held "")");
    CHECK(write_record(*store, key, garbage.version, record_of_version(60)) == Written::yes);
    CHECK(write_record(*store, key, garbage.version, record_of_version(61)) == Written::conflict);
    CHECK(read_record(*store, key).record == record_of_version(60));
  }
}

TEST_CASE("an item that was deleted can only be created, in the same run of the store") {
  Fixture fixture("deleted-item");
  const auto store = fixture.open();
  write_record(*store, key, 0, record_of_version(50));
  const uint64_t run = read_record(*store, key).run;
  CHECK(run > 1'700'000'000'000);
  fixture.delete_item();
  CHECK(read_record(*store, key).version == 0);
  CHECK(read_record(*store, key).run == run);
  CHECK(write_record(*store, key, 50, record_of_version(51)) == Written::conflict);
  CHECK(write_record(*store, key, 0, record_of_version(52)) == Written::yes);
}

TEST_CASE("a table that is gone is trouble, and one that was created again is another store") {
  Fixture fixture("deleted-table");
  const auto store = fixture.open();
  write_record(*store, key, 0, record_of_version(50));
  const uint64_t run = read_record(*store, key).run;
  fixture.delete_table();
  CHECK(trouble_of(store->read(key, in_five_seconds())) ==
        store->name() + ": table deleted-table does not exist in lab");
  CHECK(
      std::holds_alternative<StoreTrouble>(store->compare_and_set(key, 50, record_of_version(51), in_five_seconds())));
  fixture.open();  // creates it
  const Found nothing = read_record(*store, key);
  CHECK(nothing.version == 0);
  CHECK(nothing.run != run);
  CHECK(write_record(*store, key, 0, record_of_version(52)) == Written::yes);
  CHECK(read_record(*fixture.open(), key).run == nothing.run);
}

TEST_CASE("a table that does not exist, or has another key, is one clear line at the start") {
  Fixture fixture("missing");
  DynamodbAddress address = fixture.address;
  address.create_table = false;
  CHECK(fault_of(address) ==
        address.to_text() + ": table missing does not exist in lab; create it, or add create=true");
  Fixture other("other-key");
  other.create_table("id", "S");
  CHECK(fault_of(other.address).ends_with("table other-key has another key than breaker_name, a string"));
  Fixture number("number-key");
  number.create_table("breaker_name", "N");
  CHECK(fault_of(number.address).ends_with("table number-key has another key than breaker_name, a string"));
}

TEST_CASE("a table that another instance has just created is waited for") {
  Fixture fixture("created-elsewhere");
  fixture.create_table("breaker_name", "S");
  CHECK(read_record(*fixture.open(), key).version == 0);
}

TEST_CASE("a service that is away at the start is trouble later, not an error") {
  DynamodbAddress address = Fixture("away").address;
  address.endpoint = "http://127.0.0.1:1";
  DynamodbStore store(address, any_credentials());
  CHECK(trouble_of(store.read(key, in_five_seconds())).ends_with(" connect to server"));
}

TEST_CASE("requests share a connection, and a dead one costs one deadline") {
  Fixture fixture("connections");
  program::TcpProxy proxy(Fixture::dynalite().port());
  fixture.address.endpoint = "http://127.0.0.1:" + std::to_string(proxy.port());
  const auto store = fixture.open();
  for (uint64_t version = 0; version < 20; ++version)
    write_record(*store, key, version, record_of_version(version + 1));
  CHECK(proxy.connections() == 1);
  proxy.swallow_everything();
  CHECK(trouble_of(store->read(key, std::chrono::steady_clock::now() + 100ms)).find("no answer in time") !=
        std::string::npos);
  CHECK(read_record(*store, key).version == 20);
}

TEST_CASE("24 threads in 3 processes count each failure once in DynamoDB, and open the circuit once") {
  const Fixture fixture("contention");
  check_store_fleet([&] { return fixture.open(); }, key);
}

TEST_CASE("DynamoDB that hangs makes no call wait, and is used again once it answers") {
  Dynalite server;
  const DynamodbAddress address = server.address("hangs");
  check_store_that_hangs([&] { return std::make_shared<DynamodbStore>(address, any_credentials()); },
                         [&] { server.hang(); }, [&] { server.send_signal(SIGCONT); });
}

TEST_CASE("a circuit that was open when DynamoDB went away is open until it returns, and then") {
  const Fixture fixture("away");
  program::TcpProxy proxy(Fixture::dynalite().port());
  DynamodbAddress address = fixture.address;
  address.endpoint = "http://127.0.0.1:" + std::to_string(proxy.port());
  check_store_that_dies([&] { return std::make_shared<DynamodbStore>(address, any_credentials()); },
                        [&] { proxy.cut(); }, [&] { proxy.lead_to(Fixture::dynalite().port()); });
}

TEST_CASE("deleting the item of an open circuit closes it for all instances") {
  Fixture fixture("reset");
  check_deletion([&] { return fixture.open(); }, [&] { fixture.delete_item(); });
}
