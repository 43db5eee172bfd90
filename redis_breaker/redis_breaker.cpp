#include "redis_breaker/redis_breaker.hpp"

#include <optional>
#include <utility>
#include <variant>

#include "simple_breaker/state_machine.hpp"

namespace cb {
namespace {

constexpr int64_t silence_ms = 1000;

int64_t steady_ms() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(steady_clock::now().time_since_epoch()).count();
}

std::string valid(const std::string& name) {
  require_valid_name(name);
  return name;
}

const Policy& valid(const Policy& policy) {
  require_valid(policy);
  return policy;
}

}  // namespace

RedisBreaker::RedisBreaker(Redis& redis, const std::string& name, const Policy& policy, Listeners listeners)
    : table_(redis, valid(name), valid(policy)), listeners_(std::move(listeners)) {}

Admission RedisBreaker::acquire() {
  const auto answer = learn(table_.acquire(seen()));
  if (!answer) {
    ++unprotected_calls_;
    return Permit(*this, {});
  }
  if (answer->kind == SharedAnswer::Kind::permit) return Permit(*this, {answer->generation, answer->probe});
  return Rejection{answer->state, retry_after(answer->now + answer->wait, answer->now)};
}

Settled RedisBreaker::settle(const PermitId& id, Outcome outcome) {
  const bool nothing_to_tell = id.generation == 0 || (outcome == Outcome::ignored && id.probe == 0);
  if (nothing_to_tell) return {seen().state, false};
  const auto answer = learn(table_.settle(seen(), id, outcome));
  if (!answer) return {seen().state, false};
  const bool late = answer->kind == SharedAnswer::Kind::late;
  if (late) ++late_results_;
  return {answer->state, late};
}

Status RedisBreaker::status() {
  const auto answer = learn(table_.look(seen()));
  Status status;
  status.store = answer ? "redis" : "redis (no answer; this is what was last seen)";
  status.state = seen().state;
  status.generation = seen().generation;
  if (answer) {
    status.state = answer->state;
    status.generation = answer->generation;
    status.failures = answer->failures;
    if (answer->wait.count() > 0) status.retry_after = retry_after(answer->now + answer->wait, answer->now);
  }
  status.late_results = late_results_;
  status.store_errors = store_errors_;
  status.unprotected_calls = unprotected_calls_;
  return status;
}

// Takes in what a run of the script said; nothing where there was trouble.
std::optional<SharedAnswer> RedisBreaker::learn(SharedTable::Result result) {
  if (const auto* trouble = std::get_if<StoreTrouble>(&result)) {
    ++store_errors_;
    report_trouble(trouble->what);
    return std::nullopt;
  }
  auto& answer = std::get<SharedAnswer>(result);
  const uint64_t newest = answer.generation << 2 | static_cast<uint64_t>(answer.state);
  for (uint64_t known = seen_; known < newest && !seen_.compare_exchange_weak(known, newest);) {
  }
  if (listeners_.transition) {
    for (const Transition& transition : answer.transitions) listeners_.transition(transition);
  }
  return std::move(answer);
}

void RedisBreaker::report_trouble(const std::string& what) {
  const int64_t now = steady_ms();
  int64_t silent_until = silent_until_;
  const bool mine = now >= silent_until && silent_until_.compare_exchange_strong(silent_until, now + silence_ms);
  if (!mine || !listeners_.store_trouble) return;
  listeners_.store_trouble(what + "; calls go through unprotected (error " + std::to_string(store_errors_) + ")");
}

Seen RedisBreaker::seen() const {
  const uint64_t word = seen_;
  return {word >> 2, static_cast<State>(word & 3)};
}

}  // namespace cb
