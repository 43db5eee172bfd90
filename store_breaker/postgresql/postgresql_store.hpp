// A PostgresqlStore keeps records in the table circuit_breakers of a PostgreSQL database (12 or newer). Its clock is
// the server's, and each write is announced by NOTIFY, with the record if it fits. Thread-safe: every method. Deadlines
// hold whatever the server does. A write whose answer is late may happen up to two seconds later; it still replaces
// only the version that it names.
#pragma once

#include <string>

#include "store_breaker/postgresql/session_pool.hpp"
#include "store_breaker/record_store.hpp"

namespace cb {

class PostgresqlStore final : public RecordStore {
 public:
  // Throws std::invalid_argument for an address that is not valid, and std::runtime_error if the server refuses the
  // login, the database or the table.
  // `longest_life`: of a connection, and so how late a moved address is noticed.
  explicit PostgresqlStore(const std::string& url, std::chrono::milliseconds longest_life = std::chrono::seconds(10));

  std::variant<Found, StoreTrouble> read(const std::string& breaker, StoreDeadline deadline) override;
  std::variant<Written, StoreTrouble> compare_and_set(const std::string& breaker, uint64_t expected,
                                                      const Record& record, StoreDeadline deadline) override;
  std::variant<std::unique_ptr<RecordWatch>, StoreTrouble> watch() override;  // within two seconds
  std::chrono::milliseconds poll_interval() const override { return std::chrono::seconds(5); }
  std::string name() const override { return name_; }

 private:
  std::variant<postgresql::Result, StoreTrouble> execute(postgresql::Session& session, const char* prepared,
                                                         const std::vector<std::string>& parameters,
                                                         StoreDeadline deadline);
  StoreTrouble trouble(const std::string& what) const { return {name_ + ": " + what}; }

  const std::string name_;
  postgresql::SessionPool pool_;
};

}  // namespace cb
