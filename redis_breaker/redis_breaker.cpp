#include "redis_breaker/redis_breaker.hpp"

#include <optional>
#include <utility>
#include <variant>

#include "simple_breaker/circuit_breaker.hpp"

namespace cb {
namespace {

constexpr int64_t silence_ms = 1000;

int64_t steady_ms() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(steady_clock::now().time_since_epoch()).count();
}

void raise(std::atomic<uint64_t>& value, uint64_t to) {
  uint64_t known = value;
  while (known < to && !value.compare_exchange_weak(known, to)) {
  }
}

const Policy& valid(const Policy& policy) {
  require_valid(policy);
  return policy;
}

}  // namespace

SharedSetup::SharedSetup(Redis& redis, Policy settings, Listener told, std::string instance)
    : policy(valid(settings)), table(redis, policy, std::move(instance)), listener(std::move(told)) {}

RedisBreaker::RedisBreaker(Redis& redis, const std::string& name, const Policy& policy, Listener listener)
    : RedisBreaker(std::make_shared<SharedSetup>(redis, policy, std::move(listener)), {name}) {}

RedisBreaker::RedisBreaker(std::shared_ptr<const SharedSetup> setup, Identity identity)
    : setup_(std::move(setup)), identity_(std::move(identity)), name_(identity_.full()) {
  require_valid_name(name_);
}

Admission RedisBreaker::acquire() {
  const auto answer = learn(setup_->table.acquire(name_, seen()));
  if (!answer) {
    ++unprotected_calls_;
    return Permit(*this, {});
  }
  if (answer->kind == SharedAnswer::Kind::permit) {
    return Permit(*this, {answer->generation, answer->probe}, steady_wall_clock());
  }
  tell(setup_->listener, identity_, EventKind::rejection, {answer->state, answer->generation}, "not permitted",
       answer->now);
  return Rejection{answer->state, rounded_up(answer->wait)};
}

Settled RedisBreaker::settle(const PermitId& id, TimePoint started, Outcome outcome) {
  const bool nothing_to_tell = id.generation == 0 || (outcome == Outcome::ignored && id.probe == 0);
  if (nothing_to_tell) return {seen().state, false};
  const CallResult result{outcome, steady_wall_clock() - started};
  const auto answer = learn(setup_->table.settle(name_, seen(), id, result));
  return answer ? note(*answer, id, result) : Settled{seen().state, false};
}

Settled RedisBreaker::note(const SharedAnswer& answer, const PermitId& id, const CallResult& result) {
  const Stay stay{answer.state, id.generation};
  const bool late = answer.kind == SharedAnswer::Kind::late;
  if (late) {
    ++late_results_;
    tell(setup_->listener, identity_, EventKind::late_result, stay, to_text(result.outcome), answer.now);
  }
  if (result.outcome != Outcome::ignored && is_slow(result, setup_->policy)) {
    ++slow_calls_;
    tell_slow(setup_->listener, identity_, stay, result, answer.now);
  }
  if (!answer.would_have_tripped.empty()) {
    ++would_have_tripped_;
    tell(setup_->listener, identity_, EventKind::would_have_tripped, stay, answer.would_have_tripped, answer.now);
  }
  return {answer.state, late};
}

std::string RedisBreaker::impose(const Override& order, std::chrono::milliseconds lasts) {
  const auto answer = learn(setup_->table.impose(name_, seen(), order, lasts), EventKind::override);
  return answer ? "" : "Redis did not take the order; nothing is changed, as far as is known";
}

void RedisBreaker::hear(Health health) { learn(setup_->table.hear(name_, seen(), health)); }

Status RedisBreaker::status() {
  const auto answer = learn(setup_->table.look(name_, seen()));
  Status status;
  status.store = answer ? "redis" : "redis (no answer; this is what was last seen)";
  status.state = seen().state;
  status.generation = seen().generation;
  if (answer) {
    status.state = answer->state;
    status.generation = answer->generation;
    status.failures = answer->failures;
    status.recent = answer->recent;
    if (answer->wait.count() > 0) status.retry_after = rounded_up(answer->wait);
    status.imposed = answer->imposed;
    status.imposed_until = answer->imposed_until;
  }
  status.late_results = late_results_;
  status.slow_calls = slow_calls_;
  status.would_have_tripped = would_have_tripped_;
  status.store_errors = store_errors_;
  status.unprotected_calls = unprotected_calls_;
  return status;
}

// Takes in what a run of the script said; nothing where there was trouble.
std::optional<SharedAnswer> RedisBreaker::learn(SharedTable::Result result, EventKind kind) {
  if (const auto* trouble = std::get_if<StoreTrouble>(&result)) {
    ++store_errors_;
    report_trouble(trouble->what);
    return std::nullopt;
  }
  auto& answer = std::get<SharedAnswer>(result);
  mode_ = answer.imposed.mode;
  const auto busy =
      std::chrono::duration_cast<std::chrono::milliseconds>(answer.wait) + setup_->policy.recovery_timeout;
  busy_until_ = answer.state == State::closed ? 0 : steady_ms() + busy.count();
  raise(seen_, answer.generation << 2 | static_cast<uint64_t>(answer.state));
  for (const Transition& transition : answer.transitions) tell(setup_->listener, identity_, kind, transition);
  return std::move(answer);
}

// What there is to know is in Redis; but one that is open is not to be looked up there again for each call.
bool RedisBreaker::is_forgettable() const { return steady_ms() >= busy_until_; }

void RedisBreaker::report_trouble(const std::string& what) {
  const int64_t now = steady_ms();
  int64_t silent_until = silent_until_;
  const bool mine = now >= silent_until && silent_until_.compare_exchange_strong(silent_until, now + silence_ms);
  if (!mine) return;
  const std::string cause = what + "; calls go through unprotected (error " + std::to_string(store_errors_) + ")";
  tell(setup_->listener, identity_, EventKind::store_trouble, {seen().state, seen().generation}, cause,
       steady_wall_clock());
}

Seen RedisBreaker::seen() const {
  const uint64_t word = seen_;
  return {word >> 2, static_cast<State>(word & 3)};
}

}  // namespace cb
