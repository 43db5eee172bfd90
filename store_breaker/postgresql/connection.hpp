// A Connection to a PostgreSQL server, by libpq without blocking: a server that hangs costs no more than the deadline.
// Errors are values. Once the server did not answer, the connection is broken: is_usable(). Not thread-safe.
// Limit: the system's resolver, which libpq asks for the address of a host's name, knows no deadline.
#pragma once

#include <libpq-fe.h>
#include <poll.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "store_breaker/postgresql/address.hpp"
#include "store_breaker/record_store.hpp"

namespace cb::postgresql {

class Result {
 public:
  explicit Result(PGresult* result);  // takes ownership
  static Result failed(std::string error);

  const std::string& error() const { return error_; }        // one line; empty: success
  const std::string& sqlstate() const { return sqlstate_; }  // of the server's error; empty: the server did not answer
  int rows() const { return PQntuples(result_.get()); }
  std::string text(int row, int column) const { return PQgetvalue(result_.get(), row, column); }  // empty: null

 private:
  Result() = default;

  struct Clear {
    void operator()(PGresult* result) const { PQclear(result); }
  };
  std::unique_ptr<PGresult, Clear> result_;
  std::string error_;
  std::string sqlstate_;
};

class Connection {
 public:
  // Connects to a server that accepts writes, and logs in; check error().
  Connection(const Address& address, StoreDeadline deadline);

  bool is_usable() const { return error_.empty(); }
  const std::string& error() const { return error_; }
  bool is_refused() const { return is_refused_; }  // by the server: the login or the database is wrong

  // Several statements run as one transaction; the result is the first error, or else that of the last one.
  Result query(const std::string& statements, StoreDeadline deadline);
  Result execute(const char* prepared, const std::vector<std::string>& parameters, StoreDeadline deadline);

  // For a connection on which the server sends by itself: asks for a sign of life, and takes what has come.
  bool ask();
  bool receive();  // false: broken
  bool has_answered() { return PQtransactionStatus(connection_.get()) == PQTRANS_IDLE; }
  std::vector<std::string> take_notifications();  // their payloads

  int fd() const { return PQsocket(connection_.get()); }
  bool has_input() const;  // or was closed

 private:
  bool fail(const std::string& error);
  void connect(StoreDeadline deadline);
  bool wait_until_answered(StoreDeadline deadline);
  Result result_of(int was_sent, StoreDeadline deadline);

  struct Finish {
    void operator()(PGconn* connection) const { PQfinish(connection); }
  };
  std::unique_ptr<PGconn, Finish> connection_;
  std::string error_;
  bool is_refused_ = false;
};

// False: none is ready at the deadline.
bool wait_until_ready(std::vector<pollfd> descriptors, StoreDeadline deadline);

}  // namespace cb::postgresql
