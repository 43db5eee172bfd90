#include "store_breaker/postgresql/connection.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <string_view>
#include <utility>

namespace cb::postgresql {
namespace {

constexpr const char* no_answer = "no answer in time";

// libpq's messages have several lines, and indents.
std::string one_line(const std::string& message) {
  std::string line;
  for (const char letter : message) {
    const bool is_space = letter == '\n' || letter == '\t' || letter == ' ';
    if (!is_space) {
      line += letter;
    } else if (!line.empty() && line.back() != ' ') {
      line += ' ';
    }
  }
  if (line.ends_with(' ')) line.pop_back();
  return line;
}

// A message of the login, as PQERRORS_VERBOSE writes it: "FATAL:  28P01: password ...\nLOCATION:  auth_failed, ...".
std::string without_location(const std::string& message) { return message.substr(0, message.find("\nLOCATION:")); }

bool says_wrong_login(const std::string& message) {
  constexpr std::array<std::string_view, 4> codes{":  28000: ", ":  28P01: ", ":  3D000: ", ":  42501: "};
  return std::any_of(codes.begin(), codes.end(),
                     [&](std::string_view code) { return message.find(code) != std::string::npos; });
}

PGconn* begin_to_connect(const Address& address) {
  // The first of two values counts less: the address may override all but the encoding.
  std::vector<const char*> keywords{"application_name", "target_session_attrs"};
  std::vector<const char*> values{"circuit breaker", "read-write"};
  for (const auto& [keyword, value] : address.options) {
    keywords.push_back(keyword.c_str());
    values.push_back(value.c_str());
  }
  keywords.insert(keywords.end(), {"client_encoding", nullptr});
  values.insert(values.end(), {"UTF8", nullptr});
  return PQconnectStartParams(keywords.data(), values.data(), 0);
}

void ignore_notice(void*, const char*) {}

}  // namespace

bool wait_until_ready(std::vector<pollfd> descriptors, StoreDeadline deadline) {
  while (true) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    const auto ms = std::clamp<int64_t>(left.count(), 0, 60'000);
    const int ready = poll(descriptors.data(), descriptors.size(), static_cast<int>(ms));
    if (ready > 0) return true;
    if (ready < 0 && errno != EINTR) return false;
    if (ready == 0 && ms < 60'000) return false;
  }
}

Result::Result(PGresult* result) : result_(result) {
  const ExecStatusType status = PQresultStatus(result);
  if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_EMPTY_QUERY) return;
  const auto field = [result](int code) {
    const char* text = PQresultErrorField(result, code);
    return std::string(text == nullptr ? "" : text);
  };
  error_ = one_line(field(PG_DIAG_MESSAGE_PRIMARY));
  sqlstate_ = field(PG_DIAG_SQLSTATE);
  if (error_.empty()) error_ = one_line(PQresultErrorMessage(result));
}

Result Result::failed(std::string error) {
  Result result;
  result.error_ = std::move(error);
  return result;
}

Connection::Connection(const Address& address, StoreDeadline deadline) : connection_(begin_to_connect(address)) {
  if (connection_ == nullptr) {
    fail("out of memory");
    return;
  }
  PQsetNoticeProcessor(connection_.get(), ignore_notice, nullptr);
  PQsetErrorVerbosity(connection_.get(), PQERRORS_VERBOSE);
  connect(deadline);
  PQsetErrorVerbosity(connection_.get(), PQERRORS_DEFAULT);
  PQsetnonblocking(connection_.get(), 1);
}

void Connection::connect(StoreDeadline deadline) {
  PostgresPollingStatusType status = PGRES_POLLING_WRITING;
  if (PQstatus(connection_.get()) == CONNECTION_BAD) status = PGRES_POLLING_FAILED;
  while (status == PGRES_POLLING_READING || status == PGRES_POLLING_WRITING) {
    const short events = status == PGRES_POLLING_READING ? POLLIN : POLLOUT;
    if (!wait_until_ready({{fd(), events, 0}}, deadline)) {
      fail("no connection in time");
      return;
    }
    status = PQconnectPoll(connection_.get());
  }
  if (status == PGRES_POLLING_OK) return;
  const std::string message = PQerrorMessage(connection_.get());
  is_refused_ = PQconnectionNeedsPassword(connection_.get()) == 1 || says_wrong_login(message);
  fail(one_line(without_location(message)));
}

bool Connection::fail(const std::string& error) {
  error_ = error;
  return false;
}

Result Connection::query(const std::string& statements, StoreDeadline deadline) {
  if (!is_usable()) return Result::failed(error_);
  return result_of(PQsendQuery(connection_.get(), statements.c_str()), deadline);
}

Result Connection::execute(const char* prepared, const std::vector<std::string>& parameters, StoreDeadline deadline) {
  if (!is_usable()) return Result::failed(error_);
  std::vector<const char*> values;
  for (const std::string& parameter : parameters) values.push_back(parameter.c_str());
  const int count = static_cast<int>(values.size());
  return result_of(PQsendQueryPrepared(connection_.get(), prepared, count, values.data(), nullptr, nullptr, 0),
                   deadline);
}

Result Connection::result_of(int was_sent, StoreDeadline deadline) {
  if (was_sent == 0) fail(one_line(PQerrorMessage(connection_.get())));
  Result last = Result::failed("no result");
  bool is_first = true;
  while (wait_until_answered(deadline)) {
    PGresult* result = PQgetResult(connection_.get());
    if (result == nullptr) {
      if (PQstatus(connection_.get()) == CONNECTION_BAD) fail(last.error());
      return last;
    }
    Result next(result);
    if (is_first || last.error().empty()) last = std::move(next);
    is_first = false;
  }
  return Result::failed(error_);
}

bool Connection::wait_until_answered(StoreDeadline deadline) {
  while (is_usable()) {
    const int unsent = PQflush(connection_.get());
    if (unsent < 0) return fail(one_line(PQerrorMessage(connection_.get())));
    if (unsent == 0 && PQisBusy(connection_.get()) == 0) return true;
    const short events = unsent == 0 ? POLLIN : POLLIN | POLLOUT;
    if (!wait_until_ready({{fd(), events, 0}}, deadline)) return fail(no_answer);
    if (PQconsumeInput(connection_.get()) == 0) return fail(one_line(PQerrorMessage(connection_.get())));
  }
  return false;
}

bool Connection::ask() {
  const bool was_sent = is_usable() && PQsendQuery(connection_.get(), "") == 1 && PQflush(connection_.get()) >= 0;
  return was_sent || fail(one_line(PQerrorMessage(connection_.get())));
}

bool Connection::receive() {
  if (!is_usable()) return false;
  PQflush(connection_.get());
  if (PQconsumeInput(connection_.get()) == 0) return fail(one_line(PQerrorMessage(connection_.get())));
  while (PQisBusy(connection_.get()) == 0) {
    PGresult* result = PQgetResult(connection_.get());
    if (result == nullptr) break;
    PQclear(result);
  }
  return PQstatus(connection_.get()) == CONNECTION_OK || fail("connection closed");
}

std::vector<std::string> Connection::take_notifications() {
  std::vector<std::string> taken;
  while (PGnotify* notify = PQnotifies(connection_.get())) {
    taken.emplace_back(notify->extra);
    PQfreemem(notify);
  }
  return taken;
}

bool Connection::has_input() const { return poll(std::array{pollfd{fd(), POLLIN, 0}}.data(), 1, 0) != 0; }

}  // namespace cb::postgresql
