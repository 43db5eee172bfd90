// MongodbStore over a stand-in of ours, and over a real MongoDB where MONGODB_URL names one.
#include "store_breaker/mongodb/mongodb_store.hpp"

#include <doctest/doctest.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <random>
#include <stdexcept>

#include "program/processes/tcp_proxy.hpp"
#include "store_breaker/mongodb/mongodb_server_for_test.hpp"
#include "store_breaker/tests/store_fleet_for_test.hpp"
#include "store_breaker/tests/store_outage_for_test.hpp"

using namespace cb;
using namespace std::chrono_literals;

namespace {

const std::string key = "payments";

std::string fault_of(const std::string& address) {
  try {
    MongodbStore store(address);
  } catch (const std::exception& error) {
    return error.what();
  }
  return "";
}

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

StoreDeadline in(std::chrono::milliseconds time) { return std::chrono::steady_clock::now() + time; }

std::string refusal(int code) {
  return R"({"ok":0.0,"code":)" + std::to_string(code) + R"(,"codeName":"Refused","errmsg":"refused:\nhidden not"})";
}

// In a separate process, so that the test's process has a single thread when it forks.
class ForkedServer {
 public:
  ForkedServer() {
    std::array<int, 2> ends{};
    REQUIRE(pipe(ends.data()) == 0);
    child_ = fork();
    REQUIRE(child_ >= 0);
    if (child_ == 0) serve(ends[1]);
    REQUIRE(::read(ends[0], &port_, sizeof port_) == sizeof port_);
    for (const int end : ends) close(end);
  }
  ~ForkedServer() {
    kill(child_, SIGKILL);
    waitpid(child_, nullptr, 0);
  }
  ForkedServer(const ForkedServer&) = delete;
  ForkedServer& operator=(const ForkedServer&) = delete;

  std::string url() const { return "mongodb://127.0.0.1:" + std::to_string(port_) + "/lab"; }
  void resume() const { kill(child_, SIGCONT); }
  void hang() const {
    kill(child_, SIGSTOP);
    waitpid(child_, nullptr, WUNTRACED);
  }

 private:
  [[noreturn]] static void serve(int report) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    const MongodbServer server;
    const int port = server.port();
    if (::write(report, &port, sizeof port) != sizeof port) _exit(1);
    while (true) pause();
  }

  pid_t child_ = -1;
  int port_ = 0;
};

const char* real_server() { return std::getenv("MONGODB_URL"); }

}  // namespace

TEST_CASE("the stand-in for MongoDB does what every store must do") {
  MongodbServer server;
  MongodbStore store(server.url());
  check_store_contract(store, "contract");
  check_longest_record(store, "longest");
  check_garbage(store, key,
                [&](const std::string& text) { server.put(key, R"({"Version":50,"Record":")" + text + R"("})"); });
  CHECK(std::get<0>(store.watch()) == nullptr);
  CHECK(store.poll_interval() == 500ms);
}

TEST_CASE("a document has fields that people and expiry can read") {
  MongodbServer server;
  MongodbStore store(server.url());
  Record record = record_of_version(50);
  record.snapshot.state = State::open;
  record.snapshot.counts.failures = 3;
  record.last_failure = TimePoint(1'707'652'212'250'001us);
  record.expires_at = TimePoint(1'707'652'300'000'000us);
  write_record(store, key, 0, record);
  const BsonDocument document = bson_from(server.document(key));
  const BsonDocument fields = bson_from(R"({"_id":"payments","Version":50,"State":"open","FailedCount":3,
    "LastTimeFailed":{"$date":"2024-02-11T11:50:12.250Z"},"ExpiresAt":{"$date":"2024-02-11T11:51:40Z"}})");
  bson_iter_t field;
  bson_iter_init(&field, fields.get());
  while (bson_iter_next(&field)) {
    bson_iter_t held;
    CAPTURE(bson_iter_key(&field));
    REQUIRE(bson_iter_init_find(&held, document.get(), bson_iter_key(&field)));
    CHECK(bson_iter_as_int64(&held) == bson_iter_as_int64(&field));
  }
  CHECK(contains(server.document(key), R"("State" : "open")"));
  CHECK(contains(server.document(key), R"("Record" : "{\"version\":50,)"));
}

TEST_CASE("writes wait for a majority, and reads ask the primary for what a majority has") {
  MongodbServer server;
  MongodbStore store(server.url() + "?w=1&readPreference=secondary");
  write_record(store, key, 0, record_of_version(50));
  write_record(store, key, 50, record_of_version(51));
  read_record(store, key);
  CHECK(contains(server.last("insert"), R"("w" : "majority")"));
  CHECK(contains(server.last("findAndModify"), R"("w" : "majority")"));
  CHECK(contains(server.last("find"), R"("readConcern" : { "level" : "majority" })"));
  CHECK_FALSE(contains(server.last("find"), "secondary"));
  MongodbStore linearizable(server.url() + "?readConcernLevel=linearizable");
  read_record(linearizable, key);
  CHECK(contains(server.last("find"), R"("readConcern" : { "level" : "linearizable" })"));
}

TEST_CASE("a document without a valid version can be replaced, once") {
  MongodbServer server;
  MongodbStore store(server.url());
  for (const std::string json :
       {R"({"State":"open"})", R"({"Version":"50"})", R"({"Version":-5})", R"({"Version":0})"}) {
    CAPTURE(json);
    server.put(key, json);
    const Found garbage = read_record(store, key);
    CHECK(garbage.version != 0);
    CHECK(garbage.fault == R"(the record held "")");
    CHECK(write_record(store, key, garbage.version, record_of_version(60)) == Written::yes);
    CHECK(write_record(store, key, garbage.version, record_of_version(61)) == Written::conflict);
    CHECK(read_record(store, key).record == record_of_version(60));
  }
}

TEST_CASE("a document that was deleted can only be created; a collection that was dropped is another store") {
  MongodbServer server;
  MongodbStore store(server.url());
  write_record(store, key, 0, record_of_version(50));
  const uint64_t run = read_record(store, key).run;
  CHECK(run != 0);
  server.erase(key);
  CHECK(read_record(store, key).version == 0);
  CHECK(read_record(store, key).run == run);
  CHECK(write_record(store, key, 50, record_of_version(51)) == Written::conflict);
  CHECK(write_record(store, key, 0, record_of_version(52)) == Written::yes);
  server.drop_collection();
  const Found nothing = read_record(store, key);
  CHECK(nothing.version == 0);
  CHECK(nothing.run != run);
  CHECK(write_record(store, key, 0, record_of_version(53)) == Written::yes);
  MongodbStore other(server.url());
  CHECK(read_record(other, key).run == nothing.run);
}

TEST_CASE("an address that is not valid is one line without the password") {
  for (const std::string address : {"mongodb://", "mongodb://user:hid@den@host",
                                    "mongodb://user:hidden/x@host:port/lab", "mongodb://user:hidden@host:99999/lab"}) {
    CAPTURE(address);
    const std::string fault = fault_of(address);
    CHECK(fault.starts_with("mongodb: the address is not valid; write mongodb://"));
    CHECK_FALSE(contains(fault, "hid"));
  }
}

TEST_CASE("the name has hosts and database, and no login") {
  MongodbServer server;
  const std::string host = "127.0.0.1:" + std::to_string(server.port());
  CHECK(MongodbStore("mongodb://" + host).name() == "mongodb://" + host + "/DistributedCircuitBreaker");
  CHECK(MongodbStore(server.url()).name() == "mongodb://" + host + "/lab");
}

TEST_CASE("the driver leaves nothing in /dev/shm that kill -9 would leave behind") {
  const MongodbServer server;
  const MongodbStore store(server.url());
  CHECK_FALSE(std::filesystem::exists("/dev/shm/mongoc-" + std::to_string(getpid())));
}

TEST_CASE("a login or a database that is refused is one clear line at the start") {
  MongodbServer server;
  server.answer_next("listCollections", refusal(13));
  CHECK(fault_of(server.url()) ==
        server.url() + ": access denied: the user needs the role readWrite on the database lab");
  server.answer_next("saslStart", refusal(18));
  const std::string login = "mongodb://user:hidden@127.0.0.1:" + std::to_string(server.port()) + "/lab";
  CHECK(fault_of(login) == server.url() + ": the login was refused: check user, password and authSource");
}

TEST_CASE("what a server refuses later is trouble") {
  MongodbServer server;
  MongodbStore store(server.url());
  write_record(store, key, 0, record_of_version(50));
  server.answer_next("find", refusal(13));
  CHECK(contains(trouble_of(store.read(key, in_five_seconds())), "access denied"));
  server.answer_next("find", refusal(50));
  CHECK(trouble_of(store.read(key, in_five_seconds())) == server.url() + ": refused: hidden not");
  server.answer_next("findAndModify", R"({"ok":1.0,"value":{},"lastErrorObject":{"n":1,"updatedExisting":true},
    "writeConcernError":{"code":64,"errmsg":"waiting for replication timed out"}})");
  const auto written = store.compare_and_set(key, 50, record_of_version(51), in_five_seconds());
  REQUIRE(std::holds_alternative<StoreTrouble>(written));
  CHECK(contains(std::get<StoreTrouble>(written).what, "a majority of the servers did not confirm the write in time"));
  CHECK(read_record(store, key).version == 50);
}

TEST_CASE("a connection that ends is trouble, and the next call makes another one") {
  MongodbServer server;
  MongodbStore store(server.url());
  write_record(store, key, 0, 50);
  for (int i = 0; i < 3; ++i) {
    server.close_at_next("findAndModify");
    CHECK(trouble_of(store.compare_and_set(key, 50, record_of_version(51), in_five_seconds())) != "");
    CHECK(read_record(store, key).version == 50);
  }
}

TEST_CASE("the driver reads again, once, if a connection has ended") {
  MongodbServer server;
  MongodbStore store(server.url());
  server.close_at_next("find");
  CHECK(read_record(store, key).version == 0);
}

TEST_CASE("the deadline ends a call that hangs, and the next call does not wait for it") {
  MongodbServer server;
  MongodbStore store(server.url() + "?socketTimeoutMS=300");
  write_record(store, key, 0, record_of_version(50));
  server.hang_from_now_on(true);
  const auto began = std::chrono::steady_clock::now();
  CHECK(trouble_of(store.read(key, in(50ms))) == server.url() + ": no answer in time");
  CHECK(std::chrono::steady_clock::now() - began < 250ms + 2s);
  server.hang_from_now_on(false);
  CHECK(read_record(store, key).version == 50);
}

TEST_CASE("a server that is away at the start is trouble later, and then serves") {
  std::string url;
  {
    MongodbServer server;
    url = server.url();
  }
  MongodbStore store(url);
  const auto began = std::chrono::steady_clock::now();
  const std::string trouble = trouble_of(store.read(key, in(5s)));
  CHECK(contains(trouble, "No suitable servers"));
  CHECK_FALSE(contains(trouble, "\n"));
  CHECK(std::chrono::steady_clock::now() - began < 4s);
}

TEST_CASE("24 threads in 3 processes count each failure once in the stand-in for MongoDB, and open the circuit once") {
  const ForkedServer server;
  check_store_fleet([&] { return std::make_shared<MongodbStore>(server.url()); }, key);
}

TEST_CASE("MongoDB that hangs makes no call wait, and is used again once it answers") {
  const ForkedServer server;
  check_store_that_hangs([&] { return std::make_shared<MongodbStore>(server.url()); }, [&] { server.hang(); },
                         [&] { server.resume(); });
}

TEST_CASE("a circuit that was open when MongoDB went away is open until it returns, and then") {
  const MongodbServer server;
  program::TcpProxy proxy(server.port());
  check_store_that_dies(
      [&] { return std::make_shared<MongodbStore>("mongodb://127.0.0.1:" + std::to_string(proxy.port()) + "/lab"); },
      [&] { proxy.cut(); }, [&] { proxy.lead_to(server.port()); });
}

TEST_CASE("deleting the document of an open circuit closes it for all instances") {
  MongodbServer server;
  check_deletion([&] { return std::make_shared<MongodbStore>(server.url()); }, [&] { server.erase(key); });
}

// Its documents remain, so each run has other breakers.
TEST_CASE("a real MongoDB does what every store must do" * doctest::skip(real_server() == nullptr)) {
  MongodbStore store(real_server());
  const std::string prefix = "test-" + std::to_string(std::random_device{}());
  check_store_contract(store, prefix);
  check_longest_record(store, prefix + "/longest");
  CHECK(read_record(store, prefix + "/none").run != 0);
}

TEST_CASE("24 threads in 3 processes count each failure once in a real MongoDB" *
          doctest::skip(real_server() == nullptr)) {
  const std::string breaker = "test-" + std::to_string(std::random_device{}());
  check_store_fleet([&] { return std::make_shared<MongodbStore>(real_server()); }, breaker);
}
