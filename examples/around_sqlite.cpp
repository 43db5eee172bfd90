// A breaker around SQL statements, with rules for their results: a database that is busy or cannot be read fails, a row
// that breaks a constraint is the caller's mistake. Another connection holds a lock here, so every write finds it busy.
#include <sqlite3.h>

#include <array>
#include <circuit_breaker/circuit_breaker.hpp>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <string>
#include <variant>

namespace {

using Database = std::unique_ptr<sqlite3, decltype(&sqlite3_close)>;

Database open(const std::string& file) {
  sqlite3* database = nullptr;
  if (sqlite3_open(file.c_str(), &database) != SQLITE_OK) std::exit(1);
  return {database, sqlite3_close};
}

struct SqlResult {
  int code = SQLITE_OK;
};

SqlResult run(const Database& database, const char* sql) {
  return {sqlite3_exec(database.get(), sql, nullptr, nullptr, nullptr)};
}

const auto sql_rules = cb::OutcomeRules{}
                           .ignore_result<SqlResult>(
                               [](const SqlResult& r) { return r.code == SQLITE_CONSTRAINT || r.code == SQLITE_ERROR; })
                           .handle_result<SqlResult>([](const SqlResult& r) { return r.code != SQLITE_OK; });

void insert(cb::Breaker& breaker, const Database& database, const char* sql) {
  const auto answer = cb::execute(
      breaker, [&] { return run(database, sql); }, sql_rules);
  const auto* result = std::get_if<SqlResult>(&answer);
  std::cout << sql << ": " << (result != nullptr ? sqlite3_errstr(result->code) : "rejected") << '\n';
}

}  // namespace

int main() {
  const char* const runtime_folder = std::getenv("TMPDIR");
  std::string file = std::string(runtime_folder != nullptr ? runtime_folder : "/tmp") + "/around_sqlite.XXXXXX";
  if (mkstemp(file.data()) == -1) return 1;
  {
    const Database database = open(file), other = open(file);
    cb::CircuitBreaker breaker({.failure_threshold = 3});
    run(database, "create table item (name text unique)");
    insert(breaker, database, "insert into item values ('tea')");
    for (int i = 0; i < 3; ++i) insert(breaker, database, "insert into item values ('tea')");  // no evidence
    run(other, "begin exclusive");
    for (int i = 0; i < 4; ++i) insert(breaker, database, "insert into item values ('rice')");
  }
  return std::remove(file.c_str());
}
