#include "store_breaker/postgresql/notify_watch.hpp"

#include <algorithm>
#include <utility>

namespace cb::postgresql {
namespace {

using std::chrono::steady_clock;

constexpr std::chrono::seconds between_questions{1};
constexpr std::chrono::milliseconds longest_silence{500};  // of a server that was asked

// "BREAKER", or "BREAKER RECORD". Any client of the database can send one.
RecordChange change_in(const std::string& payload) {
  const size_t end = payload.find(' ');
  RecordChange change{payload.substr(0, end)};
  if (end == std::string::npos) return change;
  auto record = record_from(std::string_view(payload).substr(end + 1));
  if (auto* valid = std::get_if<Record>(&record)) change.record = std::move(*valid);
  return change;
}

}  // namespace

NotifyWatch::NotifyWatch(const SessionPool& pool, std::string name, std::unique_ptr<Session> session)
    : pool_(pool), name_(std::move(name)), session_(std::move(session)), asked_at_(steady_clock::now()) {}

std::variant<std::vector<RecordChange>, StoreTrouble> NotifyWatch::wait(StoreDeadline deadline) {
  std::vector<RecordChange> changes;
  is_proved_ = false;
  if (question_ == Question::of_this_wait) question_ = Question::of_an_earlier_wait;
  while (true) {
    if (const std::string why = fault(); !why.empty()) return StoreTrouble{name_ + ": " + why};
    for (const std::string& payload : session_->connection.take_notifications()) changes.push_back(change_in(payload));
    const bool is_over = !changes.empty() || steady_clock::now() >= deadline;
    if (is_proved_ && is_over) return changes;
    wait_until_ready({{session_->connection.fd(), POLLIN, 0}, {wake_.fd(), POLLIN, 0}},
                     is_proved_ ? std::min(deadline, look_again_at()) : look_again_at());
    if (!wait_until_ready({{wake_.fd(), POLLIN, 0}}, {})) continue;
    wake_.clear();
    deadline = {};  // but not without the proof
  }
}

std::string NotifyWatch::fault() {
  Connection& connection = session_->connection;
  if (!connection.receive()) return connection.error();
  if (pool_.run() != session_->run) return "the address leads to another server now";
  if (question_ != Question::none && connection.has_answered()) {
    is_proved_ = is_proved_ || question_ == Question::of_this_wait;
    question_ = Question::none;
  }
  const bool is_due = steady_clock::now() >= look_again_at();
  if (question_ != Question::none) return is_due ? "no sign of life from the server" : "";
  if (is_proved_ && !is_due) return "";
  asked_at_ = steady_clock::now();
  question_ = Question::of_this_wait;
  return connection.ask() ? "" : connection.error();
}

NotifyWatch::Time NotifyWatch::look_again_at() const {
  return asked_at_ + (question_ == Question::none ? between_questions : longest_silence);
}

}  // namespace cb::postgresql
