#include "store_breaker/postgresql/postgresql_store.hpp"

#include <charconv>
#include <stdexcept>

#include "store_breaker/postgresql/notify_watch.hpp"

namespace cb {
namespace {

using postgresql::Result;
using postgresql::Session;
using postgresql::Trouble;
using std::chrono::steady_clock;

constexpr std::chrono::seconds patience{2};  // where the caller names no deadline
constexpr size_t longest_payload = 7'999;    // of NOTIFY

int64_t number_in(const std::string& text) {
  int64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

Found found_in(const Result& row, uint64_t run) {
  Found found{.version = static_cast<uint64_t>(number_in(row.text(0, 1))), .run = run};
  found.now = TimePoint(std::chrono::microseconds(number_in(row.text(0, 0))));
  if (found.version == 0) return found;
  auto record = record_from(row.text(0, 2));
  if (auto* fault = std::get_if<std::string>(&record)) {
    found.fault = std::move(*fault);
  } else {
    found.record = std::get<Record>(std::move(record));
  }
  return found;
}

// A role without the right to DELETE leaves that to others.
void remove_expired(Session& session, StoreDeadline deadline) {
  session.connection.query("DELETE FROM circuit_breakers WHERE expires_at < clock_timestamp()", deadline);
}

}  // namespace

PostgresqlStore::PostgresqlStore(const std::string& url, std::chrono::milliseconds longest_life)
    : name_(postgresql::parse_address(url).to_text()), pool_(postgresql::parse_address(url), longest_life) {
  const Trouble trouble = pool_.take(steady_clock::now() + patience).trouble;
  if (trouble.is_permanent) throw std::runtime_error(name_ + ": " + trouble.what);
}

std::variant<Found, StoreTrouble> PostgresqlStore::read(const std::string& breaker, StoreDeadline deadline) {
  const auto taken = pool_.take(deadline);
  if (taken.session == nullptr) return trouble(taken.trouble.what);
  Session& session = *taken.session;
  const auto result = execute(session, "read_record", {breaker}, deadline);
  if (const auto* failed = std::get_if<StoreTrouble>(&result)) return *failed;
  return found_in(std::get<Result>(result), session.run);
}

std::variant<Written, StoreTrouble> PostgresqlStore::compare_and_set(const std::string& breaker, uint64_t expected,
                                                                     const Record& record, StoreDeadline deadline) {
  const auto taken = pool_.take(deadline);
  if (taken.session == nullptr) return trouble(taken.trouble.what);
  Session& session = *taken.session;
  const std::string text = to_text(record);
  std::string payload = breaker + " " + text;
  if (payload.size() > longest_payload) payload = breaker;
  std::vector<std::string> parameters{breaker, std::to_string(record.version), text, session.channel, payload};
  if (expected != 0) parameters.push_back(std::to_string(expected));
  const auto result = execute(session, expected == 0 ? "create_record" : "replace_record", parameters, deadline);
  if (const auto* failed = std::get_if<StoreTrouble>(&result)) return *failed;
  return std::get<Result>(result).rows() == 1 ? Written::yes : Written::conflict;
}

std::variant<Result, StoreTrouble> PostgresqlStore::execute(Session& session, const char* prepared,
                                                            const std::vector<std::string>& parameters,
                                                            StoreDeadline deadline) {
  const auto began = steady_clock::now();
  Result result = session.connection.execute(prepared, parameters, deadline);
  if (result.error().empty()) return result;
  if (!result.sqlstate().empty() || steady_clock::now() - began >= postgresql::fair_wait) pool_.distrust();
  return trouble(trouble_of(result).what);
}

std::variant<std::unique_ptr<RecordWatch>, StoreTrouble> PostgresqlStore::watch() {
  const auto deadline = steady_clock::now() + patience;
  postgresql::Opened opened = pool_.open(deadline);
  if (opened.session == nullptr) return trouble(opened.trouble.what);
  Session& session = *opened.session;
  remove_expired(session, deadline);
  const Result listening = session.connection.query("LISTEN " + session.quoted_channel, deadline);
  if (!listening.error().empty()) return trouble(trouble_of(listening).what);
  return std::make_unique<postgresql::NotifyWatch>(pool_, name_, std::move(opened.session));
}

}  // namespace cb
