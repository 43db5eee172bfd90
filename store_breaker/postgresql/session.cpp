#include "store_breaker/postgresql/session.hpp"

#include <charconv>
#include <utility>

namespace cb::postgresql {
namespace {

constexpr const char* create_table = R"(
CREATE TABLE IF NOT EXISTS circuit_breakers (
  breaker text PRIMARY KEY,
  version bigint NOT NULL,
  record json NOT NULL,
  state text GENERATED ALWAYS AS (record->>'state') STORED,
  failures integer GENERATED ALWAYS AS (coalesce((record->>'failures')::integer, 0)) STORED,
  last_failure timestamptz GENERATED ALWAYS AS (to_timestamp((record->>'last_failure')::double precision)) STORED,
  expires_at timestamptz GENERATED ALWAYS AS (to_timestamp((record->>'expires_at_us')::double precision / 1e6)) STORED
);
)";

// A person may have written a version below 1: it counts as 1, so that such a row can be replaced.
// The server gives up a statement that waits for a lock longer than any client does: otherwise it would keep its
// process.
constexpr const char* prepare = R"(
SET statement_timeout = '2s';
SET default_transaction_isolation = 'read committed';
PREPARE read_record (text) AS
  SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint,
    CASE WHEN breaker IS NOT NULL THEN greatest(version, 1) END, record
  FROM (VALUES (1)) AS one LEFT JOIN circuit_breakers ON breaker = $1;
PREPARE create_record (text, bigint, json, text, text) AS
  WITH written AS (
    INSERT INTO circuit_breakers (breaker, version, record) VALUES ($1, $2, $3)
    ON CONFLICT (breaker) DO NOTHING RETURNING breaker)
  SELECT pg_notify($4, $5) FROM written;
PREPARE replace_record (text, bigint, json, text, text, bigint) AS
  WITH written AS (
    UPDATE circuit_breakers SET version = $2, record = $3 WHERE breaker = $1 AND greatest(version, 1) = $6
    RETURNING breaker)
  SELECT pg_notify($4, $5) FROM written;
SELECT (extract(epoch FROM pg_postmaster_start_time()) * 1000000)::bigint,
  channel, quote_ident(channel),
  has_table_privilege(oid, 'SELECT') AND has_table_privilege(oid, 'INSERT') AND has_table_privilege(oid, 'UPDATE')
FROM pg_class, LATERAL (SELECT relnamespace::regnamespace || '.circuit_breakers') AS named(channel)
WHERE oid = 'circuit_breakers'::regclass)";

constexpr const char* undefined_table = "42P01";
constexpr const char* read_only = "25006";
constexpr const char* insufficient_privilege = "42501";

// Two processes that create it at once: CREATE TABLE IF NOT EXISTS fails in one of them.
bool exists_already(const Result& result) { return result.sqlstate() == "42P07" || result.sqlstate() == "23505"; }

Result create_and_prepare(Connection& connection, StoreDeadline deadline, std::string& why_not_created) {
  const Result created = connection.query(create_table, deadline);
  if (!created.error().empty() && !exists_already(created)) why_not_created = created.error();
  return connection.query(prepare, deadline);
}

Opened refused(Trouble trouble) { return {nullptr, std::move(trouble)}; }

}  // namespace

Opened open_session(const Address& address, StoreDeadline deadline) {
  const auto began = std::chrono::steady_clock::now();
  auto session = std::make_unique<Session>(Session{Connection(address, deadline), began});
  Connection& connection = session->connection;
  if (!connection.is_usable()) return refused({connection.error(), connection.is_refused()});
  std::string why_not_created;
  Result result = connection.query(prepare, deadline);
  if (result.sqlstate() == undefined_table) result = create_and_prepare(connection, deadline, why_not_created);
  if (!why_not_created.empty() && result.sqlstate() == undefined_table)
    return refused({"the table circuit_breakers is missing and cannot be created: " + why_not_created, true});
  if (!result.error().empty()) return refused(trouble_of(result));
  if (result.text(0, 3) != "t")
    return refused({"this role needs SELECT, INSERT and UPDATE on the table circuit_breakers", true});
  const std::string run = result.text(0, 0);
  std::from_chars(run.data(), run.data() + run.size(), session->run);
  session->channel = result.text(0, 1);
  session->quoted_channel = result.text(0, 2);
  return {std::move(session)};
}

Trouble trouble_of(const Result& result) {
  const bool is_about_the_table = result.sqlstate().starts_with("42");
  if (result.sqlstate() == read_only) return {"the server accepts no writes: it is read-only"};
  if (result.sqlstate() == undefined_table) return {"the table circuit_breakers is gone"};
  if (result.sqlstate() == insufficient_privilege) return {result.error(), true};
  if (is_about_the_table) return {"the table circuit_breakers has another shape: " + result.error(), true};
  return {result.error()};
}

}  // namespace cb::postgresql
