#include "store_breaker/postgresql/postgresql_store.hpp"

#include <doctest/doctest.h>

#include <thread>

#include "program/processes/certificate.hpp"
#include "program/processes/redis_server.hpp"
#include "program/processes/tcp_proxy.hpp"
#include "store_breaker/postgresql/server_for_test.hpp"
#include "store_breaker/tests/store_fleet_for_test.hpp"
#include "store_breaker/tests/store_outage_for_test.hpp"

using namespace cb;
using namespace std::chrono_literals;
using std::chrono::steady_clock;

namespace {

const std::string payments = "payments";

StoreDeadline within(std::chrono::milliseconds time) { return steady_clock::now() + time; }

std::string refusal_of(const std::string& url) {
  try {
    open_store(url);
    return "";
  } catch (const std::runtime_error& error) {
    return error.what();
  }
}

std::string trouble_of_reading(RecordStore& store, std::chrono::milliseconds time = 5s) {
  return trouble_of(store.read(payments, within(time)));
}

std::string trouble_of_writing(RecordStore& store, uint64_t expected, uint64_t version) {
  return trouble_of(store.compare_and_set(payments, expected, record_of_version(version), in_five_seconds()));
}

std::unique_ptr<RecordWatch> watch(RecordStore& store) {
  return require_result<std::unique_ptr<RecordWatch>>(store.watch());
}

// Waits until the watch has ended, and returns why.
std::string end_of(RecordWatch& watch) {
  while (true) {
    const std::string trouble = trouble_of(watch.wait(in_five_seconds()));
    if (!trouble.empty()) return trouble;
  }
}

int connections() {
  return std::stoi(server().psql("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'circuit breaker'"));
}

struct TestStore {
  TestStore() : store((empty_the_database(), server().url())) {}
  PostgresqlStore store;
};

}  // namespace

TEST_CASE("PostgreSQL is installed, or the tests that need it are reported as not run") {
  if (!program::PrivatePostgresql::is_installed())
    MESSAGE("not run: every test whose name starts with postgresql; scripts/dev/setup.sh --test installs the server");
}

TEST_CASE("postgresql: keeps the contract of a store" NEEDS_POSTGRESQL) {
  TestStore test;
  check_store_contract(test.store, payments);
}

TEST_CASE("postgresql: it keeps the contract whatever isolation the database prefers" NEEDS_POSTGRESQL) {
  empty_the_database();
  PostgresqlStore store(server().url() + "?options=-c%20default_transaction_isolation%3Dserializable");
  check_store_contract(store, payments);
}

TEST_CASE("postgresql: the time is the server's, and the run changes when it restarts" NEEDS_POSTGRESQL) {
  TestStore test;
  const Found before = read_record(test.store, payments);
  REQUIRE(before.now);
  CHECK(std::abs((*before.now - TimePoint(std::chrono::duration_cast<std::chrono::microseconds>(
                                    std::chrono::system_clock::now().time_since_epoch()))) /
                 1s) < 60);
  CHECK(write_record(test.store, payments, 0, 50) == Written::yes);
  CHECK(*read_record(test.store, payments).now > *before.now);
  CHECK(read_record(test.store, payments).run == before.run);
  server().restart();
  CHECK(read_record(test.store, payments).version == 50);  // over a new connection
  CHECK(read_record(test.store, payments).run > before.run);
}

TEST_CASE("postgresql: a person sees a breaker as columns, and deletes it to reset it" NEEDS_POSTGRESQL) {
  TestStore test;
  const auto changes = watch(test.store);
  Record record = full_record(50);
  record.last_failure = TimePoint(1'707'652'212s);
  CHECK(write_record(test.store, payments, 0, record) == Written::yes);
  CHECK(server().psql("SELECT breaker, state, failures, extract(epoch FROM last_failure)::int FROM circuit_breakers") ==
        "payments|half_open|21|1707652212");
  next_changes(*changes);
  server().psql(
      "DELETE FROM circuit_breakers WHERE breaker = 'payments'; NOTIFY \"public.circuit_breakers\", 'payments'");
  CHECK(has(next_changes(*changes), payments));
  CHECK(read_record(test.store, payments).version == 0);
}

TEST_CASE("postgresql: a record that makes no sense has a version, so that it can be replaced" NEEDS_POSTGRESQL) {
  TestStore test;
  CHECK(write_record(test.store, payments, 0, 50) == Written::yes);
  server().psql(R"(UPDATE circuit_breakers SET record = '{"state": "banana", "generation": 1}')");
  const Found found = read_record(test.store, payments);
  CHECK(found.fault == R"(state held "banana")");
  CHECK(write_record(test.store, payments, found.version, 51) == Written::yes);
  CHECK(read_record(test.store, payments).fault == "");
}

TEST_CASE("postgresql: a row without a valid version can be replaced, once" NEEDS_POSTGRESQL) {
  TestStore test;
  CHECK(write_record(test.store, payments, 0, 50) == Written::yes);
  for (const std::string version : {"0", "-5"}) {
    CAPTURE(version);
    server().psql("UPDATE circuit_breakers SET version = " + version);
    const Found found = read_record(test.store, payments);
    CHECK(found.version != 0);
    CHECK(write_record(test.store, payments, found.version, 60) == Written::yes);
    CHECK(write_record(test.store, payments, found.version, 61) == Written::conflict);
    CHECK(read_record(test.store, payments).version == 60);
    CHECK(read_record(test.store, payments).record == record_of_version(60));
  }
}

TEST_CASE("postgresql: a push brings the record if it fits, and otherwise the name" NEEDS_POSTGRESQL) {
  TestStore test;
  const auto changes = watch(test.store);
  Record record = full_record(50);
  CHECK(write_record(test.store, payments, 0, record) == Written::yes);
  const auto small = next_changes(*changes);
  REQUIRE(small.size() == 1);
  CHECK(small[0].record == record);
  record.version = 51;
  while (to_text(record).size() < 9'000) record.reporters.push_back({std::string(200, 'x'), TimePoint(1s)});
  CHECK(write_record(test.store, payments, 50, record) == Written::yes);
  const auto large = next_changes(*changes);
  REQUIRE(large.size() == 1);
  CHECK(large[0].breaker == payments);
  CHECK_FALSE(large[0].record);
  CHECK(read_record(test.store, payments).record == record);
}

TEST_CASE("postgresql: a payload of any length around the limit of NOTIFY is accepted" NEEDS_POSTGRESQL) {
  TestStore test;
  Record record = full_record(1'000'000);
  record.active_override.reason = "x";
  const size_t without_reason = payments.size() + to_text(record).size();
  for (size_t length = 7'997; length <= 8'002; ++length) {
    const uint64_t expected = read_record(test.store, payments).version;
    record.version += 1;
    record.active_override.reason = std::string(length - without_reason, 'x');
    CHECK(write_record(test.store, payments, expected, record) == Written::yes);
  }
}

TEST_CASE("postgresql: two schemas of a database are two stores" NEEDS_POSTGRESQL) {
  TestStore test;
  server().psql("CREATE SCHEMA other");
  PostgresqlStore other(server().url() + "?options=-c%20search_path%3Dother");
  const auto changes = watch(test.store);
  CHECK(write_record(other, payments, 0, 50) == Written::yes);
  CHECK(write_record(test.store, "cards", 0, 60) == Written::yes);
  const auto seen = next_changes(*changes);
  CHECK(has(seen, "cards"));
  CHECK_FALSE(has(seen, payments));
  CHECK(read_record(test.store, payments).version == 0);
}

TEST_CASE("postgresql: a process that begins to listen removes expired records" NEEDS_POSTGRESQL) {
  TestStore test;
  Record expired = record_of_version(50);
  expired.expires_at = TimePoint(1'700'000'000s);
  CHECK(write_record(test.store, "old", 0, expired) == Written::yes);
  CHECK(write_record(test.store, payments, 0, full_record(51)) == Written::yes);
  watch(test.store);
  CHECK(server().psql("SELECT breaker FROM circuit_breakers") == payments);
}

TEST_CASE("postgresql: what is wrong with an address is one clear line" NEEDS_POSTGRESQL) {
  const std::string at = "@127.0.0.1:" + std::to_string(server().port());
  const std::string failed =
      "connection to server at \"127.0.0.1\", port " + std::to_string(server().port()) + " failed: ";
  CHECK(refusal_of(server().url("missing")) ==
        server().url("missing") + ": " + failed + R"(FATAL: 3D000: database "missing" does not exist)");
  CHECK(refusal_of(server().url("postgres", "missing")) ==
        server().url("postgres", "missing") + ": " + failed + R"(FATAL: 28000: role "missing" does not exist)");
  CHECK(refusal_of(server().url("postgres", "guarded:wrong")) ==
        "postgresql://guarded" + at + "/postgres: " + failed +
            R"(FATAL: 28P01: password authentication failed for user "guarded")");
  CHECK(refusal_of(server().url("postgres", "guarded")) ==
        "postgresql://guarded" + at + "/postgres: " + failed + "fe_sendauth: no password supplied");
  CHECK(refusal_of(server().url("postgres", "unwelcome")).find("pg_hba.conf rejects connection for host") !=
        std::string::npos);
  PostgresqlStore not_encrypted(server().url() + "?sslmode=require");
  CHECK(trouble_of_reading(not_encrypted).find("server does not support SSL, but SSL was required") !=
        std::string::npos);
  PostgresqlStore nothing_there("postgresql://127.0.0.1:1/lab");
  CHECK(trouble_of_reading(nothing_there).find("Connection refused") != std::string::npos);
  CHECK(trouble_of_reading(nothing_there).find('\n') == std::string::npos);
}

TEST_CASE("postgresql: the password comes from the address, the environment, or a file" NEEDS_POSTGRESQL) {
  empty_the_database();
  { PostgresqlStore creates_the_table(server().url()); }
  server().psql("GRANT SELECT, INSERT, UPDATE ON circuit_breakers TO guarded");
  PostgresqlStore store(server().url("postgres", "guarded:right"));
  CHECK(write_record(store, payments, 0, 50) == Written::yes);
  CHECK(store.name() == server().url("postgres", "guarded"));
  setenv("PGPASSWORD", "right", 1);
  PostgresqlStore by_environment(server().url("postgres", "guarded"));
  CHECK(read_record(by_environment, payments).version == 50);
  unsetenv("PGPASSWORD");
}

TEST_CASE("postgresql: of several hosts the one that can be written to is used" NEEDS_POSTGRESQL) {
  empty_the_database();
  const std::string port = std::to_string(server().port());
  PostgresqlStore store("postgresql://postgres@127.0.0.1:1,127.0.0.1:" + port + "/postgres");
  CHECK(write_record(store, payments, 0, 50) == Written::yes);
  CHECK(store.name() == "postgresql://postgres@127.0.0.1:1,127.0.0.1:" + port + "/postgres");
}

TEST_CASE("postgresql: a host that is silent costs one deadline, then the next one is used" NEEDS_POSTGRESQL) {
  empty_the_database();
  program::PrivatePostgresql other;
  const std::string hosts =
      "127.0.0.1:" + std::to_string(other.port()) + ",127.0.0.1:" + std::to_string(server().port());
  other.hang();
  PostgresqlStore store("postgresql://postgres@" + hosts + "/postgres");  // waits for the first host
  CHECK(write_record(store, payments, 0, 50) == Written::yes);
  CHECK(server().psql("SELECT version FROM circuit_breakers") == "50");
  other.resume();
  server().hang();
  CHECK(trouble_of_reading(store, 100ms) == store.name() + ": no answer in time");  // on the idle connection
  CHECK(trouble_of_reading(store, 100ms) == store.name() + ": no connection in time");
  CHECK(read_record(store, payments).version == 0);  // of the other server
  server().resume();
}

TEST_CASE("postgresql: over TLS the server's certificate is verified" NEEDS_POSTGRESQL) {
  empty_the_database();
  server().psql(
      "COPY (SELECT) TO PROGRAM 'openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 "
      "-keyout server.key -out server.crt -subj /CN=lab -addext subjectAltName=IP:127.0.0.1 2>&1'");
  server().psql("ALTER SYSTEM SET ssl = on");
  server().psql("SELECT pg_reload_conf()");
  const std::string over_tls = server().url() + "?sslmode=verify-full&sslrootcert=";
  PostgresqlStore store(over_tls + server().psql("SHOW data_directory") + "/server.crt");
  program::wait_until("the server uses TLS", [&] { return trouble_of_reading(store).empty(); });
  CHECK(server().psql("SELECT DISTINCT ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE application_name = "
                      "'circuit breaker'") == "t");
  const program::Certificate another("IP:127.0.0.1");
  PostgresqlStore distrustful(over_tls + another.file());
  CHECK(trouble_of_reading(distrustful).find("certificate verify failed") != std::string::npos);
  server().psql("ALTER SYSTEM RESET ssl");
  server().psql("SELECT pg_reload_conf()");
}

TEST_CASE("postgresql: what is wrong with a table is one clear line" NEEDS_POSTGRESQL) {
  empty_the_database();
  const std::string url = server().url("postgres", "visitor");
  CHECK(refusal_of(url) == url +
                               ": the table circuit_breakers is missing and cannot be created: permission denied for "
                               "schema public");
  { PostgresqlStore creates_it(server().url()); }
  CHECK(refusal_of(url) == url + ": this role needs SELECT, INSERT and UPDATE on the table circuit_breakers");
  server().psql("GRANT SELECT, INSERT, UPDATE ON circuit_breakers TO visitor");
  PostgresqlStore store(url);
  check_store_contract(store, payments);
  server().psql("DROP TABLE circuit_breakers; CREATE TABLE circuit_breakers (breaker text, state text)");
  CHECK(refusal_of(url) == url + ": the table circuit_breakers has another shape: column \"version\" does not exist");
  server().psql(
      "DROP TABLE circuit_breakers; "
      "CREATE TABLE circuit_breakers (breaker text, version text, record json)");
  CHECK(refusal_of(url).starts_with(url + ": the table circuit_breakers has another shape: "));
}

TEST_CASE("postgresql: a table that is dropped is created again" NEEDS_POSTGRESQL) {
  TestStore test;
  const auto changes = watch(test.store);
  CHECK(write_record(test.store, payments, 0, 50) == Written::yes);
  CHECK(has(next_changes(*changes), payments));
  server().psql("DROP TABLE circuit_breakers");
  CHECK(trouble_of_reading(test.store) == test.store.name() + ": the table circuit_breakers is gone");
  CHECK(read_record(test.store, payments).version == 0);
  CHECK(write_record(test.store, payments, 0, 51) == Written::yes);
  CHECK(has(next_changes(*changes), payments));  // the watch goes on
}

TEST_CASE("postgresql: many that create the table at once all succeed" NEEDS_POSTGRESQL) {
  empty_the_database();
  std::vector<std::thread> instances;
  std::atomic<int> troubles{0};
  for (int i = 0; i < 8; ++i) {
    instances.emplace_back([&] {
      PostgresqlStore store(server().url());
      if (!trouble_of_reading(store).empty()) ++troubles;
    });
  }
  for (std::thread& each : instances) each.join();
  CHECK(troubles == 0);
}

TEST_CASE("postgresql: a server that accepts no writes is one clear line" NEEDS_POSTGRESQL) {
  TestStore test;
  CHECK(write_record(test.store, payments, 0, 50) == Written::yes);
  server().psql("ALTER SYSTEM SET default_transaction_read_only = on");
  server().psql("SELECT pg_reload_conf()");
  uint64_t version = 50;
  std::string trouble;
  program::wait_until("writes are refused", [&] {
    trouble = trouble_of_writing(test.store, version, version + 1);
    ++version;
    return !trouble.empty();
  });
  CHECK(trouble == test.store.name() + ": the server accepts no writes: it is read-only");
  CHECK(trouble_of_reading(test.store).find("session is read-only") != std::string::npos);
  server().psql("ALTER SYSTEM RESET default_transaction_read_only");
  server().psql("SELECT pg_reload_conf()");
  program::wait_until("writes are accepted", [&] { return trouble_of_reading(test.store).empty(); });
}

TEST_CASE("postgresql: a server that hangs costs no more than the deadline" NEEDS_POSTGRESQL) {
  TestStore test;
  const auto changes = watch(test.store);
  CHECK(write_record(test.store, payments, 0, 50) == Written::yes);
  next_changes(*changes);
  server().hang();
  for (int i = 0; i < 3; ++i) {  // the first on an idle connection, the others have to connect
    const auto began = steady_clock::now();
    CHECK(trouble_of_reading(test.store, 100ms) ==
          test.store.name() + (i == 0 ? ": no answer in time" : ": no connection in time"));
    CHECK(steady_clock::now() - began < 1s);
  }
  changes->interrupt();
  CHECK(trouble_of(changes->wait(within(1h))) == test.store.name() + ": no sign of life from the server");
  server().resume();
  CHECK(read_record(test.store, payments).version == 50);
}

TEST_CASE("postgresql: a row that another client has locked costs no more than the deadline" NEEDS_POSTGRESQL) {
  TestStore test;
  CHECK(write_record(test.store, payments, 0, 50) == Written::yes);
  program::ChildProcess locker(
      {"psql", "--quiet", "--command", "BEGIN; LOCK TABLE circuit_breakers; SELECT pg_sleep(60)", server().url()});
  const std::string waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'";
  const std::string locked =
      "SELECT count(*) FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND granted AND "
      "relation = 'circuit_breakers'::regclass";
  program::wait_until("the table is locked", [&] { return server().psql(locked) == "1"; });
  CHECK(trouble_of_reading(test.store, 100ms) == test.store.name() + ": no answer in time");
  program::wait_until("the server gave up as well", [&] { return server().psql(waiting) == "0"; });
  locker.send_signal(SIGKILL);
  server().psql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'BEGIN; LOCK%'");
  CHECK(read_record(test.store, payments).version == 50);
}

TEST_CASE("postgresql: a server that is killed loses nothing that it confirmed" NEEDS_POSTGRESQL) {
  TestStore test;
  const auto changes = watch(test.store);
  uint64_t confirmed = 0;
  std::thread writer([&] {
    for (uint64_t version = 1;; ++version) {
      const auto written =
          test.store.compare_and_set(payments, version - 1, record_of_version(version), in_five_seconds());
      if (!std::holds_alternative<Written>(written)) break;
      confirmed = version;
    }
  });
  while (next_changes(*changes).back().record->version < 20) {
  }
  server().kill();
  writer.join();
  CHECK(end_of(*changes).find("server closed the connection unexpectedly") != std::string::npos);
  CHECK(trouble_of_reading(test.store).find("Connection refused") != std::string::npos);
  server().start();
  const uint64_t kept = read_record(test.store, payments).version;
  CHECK(kept >= confirmed);
  CHECK(kept <= confirmed + 1);  // the answer to the last one was lost
}

TEST_CASE("postgresql: after a failover a watch does not remain with the old server" NEEDS_POSTGRESQL) {
  empty_the_database();
  program::TcpProxy proxy(server().port());
  PostgresqlStore store("postgresql://postgres@127.0.0.1:" + std::to_string(proxy.port()) + "/postgres", 100ms);
  const auto changes = watch(store);
  const uint64_t run = read_record(store, payments).run;
  const program::PrivatePostgresql other;
  proxy.lead_to(other.port());
  CHECK(trouble_of(changes->wait({})) == "");
  program::wait_until("a new connection", [&] { return read_record(store, payments).run != run; });
  CHECK(end_of(*changes) == store.name() + ": the address leads to another server now");
}

TEST_CASE("postgresql: many callers share a few connections" NEEDS_POSTGRESQL) {
  TestStore test;
  std::atomic<int> troubles{0};
  std::vector<std::thread> callers;
  for (int i = 0; i < 16; ++i) {
    callers.emplace_back([&] {
      for (int call = 0; call < 20; ++call) troubles += trouble_of_reading(test.store).empty() ? 0 : 1;
    });
  }
  for (std::thread& each : callers) each.join();
  CHECK(troubles == 0);
  CHECK(connections() <= 4);
}

TEST_CASE("postgresql: a fleet counts each failure once, and opens a circuit once" NEEDS_POSTGRESQL) {
  empty_the_database();
  check_store_fleet([] { return std::make_shared<PostgresqlStore>(server().url()); }, payments);
}

TEST_CASE(
    "postgresql: while the server is stopped no call waits for it, and it is used again once it goes "
    "on" NEEDS_POSTGRESQL) {
  empty_the_database();
  check_store_that_hangs([] { return std::make_shared<PostgresqlStore>(server().url()); }, [] { server().hang(); },
                         [] { server().resume(); });
}

TEST_CASE(
    "postgresql: a circuit that was open when the server was killed is open until it returns, and "
    "then" NEEDS_POSTGRESQL) {
  empty_the_database();
  check_store_that_dies([] { return std::make_shared<PostgresqlStore>(server().url()); }, [] { server().kill(); },
                        [] { server().start(); });
}

TEST_CASE("postgresql: deleting the row of an open circuit closes it for all instances" NEEDS_POSTGRESQL) {
  empty_the_database();
  check_deletion([] { return std::make_shared<PostgresqlStore>(server().url()); },
                 [] {
                   server().psql(
                       "DELETE FROM circuit_breakers WHERE breaker = 'payments'; "
                       "NOTIFY \"public.circuit_breakers\", 'payments'");
                 });
}
