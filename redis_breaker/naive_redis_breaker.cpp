#include "redis_breaker/naive_redis_breaker.hpp"

#include <chrono>
#include <stdexcept>
#include <utility>

#include "simple_breaker/circuit_breaker.hpp"

namespace cb {
namespace {

double epoch_seconds() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

State to_state(const std::string& text) { return state_from(text).value_or(State::closed); }

}  // namespace

NaiveRedisBreaker::NaiveRedisBreaker(redis::Client& client, Identity identity, const Policy& policy, Listener listener)
    : client_(client),
      prefix_(client.prefix(identity.key())),
      policy_(policy),
      notices_(shared(std::move(listener)), identity),
      identity_(std::move(identity)) {
  require_valid(identity_);
  require_valid(policy);
  if (identity_.context.empty()) create_keys();
}

void NaiveRedisBreaker::create_keys() {
  if (has_keys()) return;
  set("state", "closed");  // before this line, another instance may open it
  set("failures", "0");
  set("last_failure", "0");
}

Admission NaiveRedisBreaker::acquire() {
  const NoticeQueue::Delivery delivery(notices_);
  if (!identity_.context.empty()) std::call_once(created_, [this] { create_keys(); });
  const std::string state = get("state");
  if (state == "closed") return Permit(*this, {1, 0});
  const double ends = std::stod(get("last_failure")) + std::chrono::duration<double>(policy_.recovery_timeout).count();
  const double left = ends - epoch_seconds();
  if (state == "open" && left <= 0) {
    transition(state, State::half_open, "recovery timeout over");
    return Permit(*this, {1, 1});
  }
  const auto retry_after = std::chrono::milliseconds(std::max<int64_t>(1, static_cast<int64_t>(left * 1000)));
  return Rejection{to_state(state), retry_after};
}

Settled NaiveRedisBreaker::settle(const PermitId&, TimePoint, Outcome outcome) {
  if (outcome == Outcome::ignored) return {state_, false};
  const NoticeQueue::Delivery delivery(notices_);
  try {
    outcome == Outcome::success ? on_success() : on_failure();
  } catch (const std::exception&) {
    on_failure();  // the textbook has one `except` around the call and the bookkeeping
  }
  return {to_state(get("state")), false};
}

void NaiveRedisBreaker::on_success() {
  set("failures", "0");
  const std::string state = get("state");
  if (state == "half_open") transition(state, State::closed, "a call succeeded");
}

void NaiveRedisBreaker::on_failure() {
  const auto failures = ask({"INCR", prefix_ + "failures"})->integer;
  set("last_failure", std::to_string(epoch_seconds()));
  const std::string state = get("state");
  if (failures >= policy_.failure_threshold && state != "open")
    transition(state, State::open, std::to_string(failures) + " failures");
}

DetailedStatus NaiveRedisBreaker::detailed_status() {
  DetailedStatus status;
  status.store.name = "redis, naive";
  status.listener_errors = notices_.listener_errors();
  if (!identity_.context.empty() && !has_keys()) return status;  // no call yet
  status.state = to_state(get("state"));
  status.failures = std::stoi(get("failures"));
  return status;
}

redis::Reply NaiveRedisBreaker::ask(const std::vector<std::string>& command) {
  redis::Reply reply = client_.command(command);
  if (!reply.error().empty()) throw std::runtime_error(reply.error());
  return reply;
}

std::string NaiveRedisBreaker::get(const std::string& key) {
  const redis::Reply reply = ask({"GET", prefix_ + key});
  if (reply->type != REDIS_REPLY_STRING) throw std::runtime_error(prefix_ + key + " is missing");
  return {reply->str, reply->len};
}

void NaiveRedisBreaker::transition(const std::string& from, State to, const std::string& cause) {
  set("state", std::string(to_text(to)));
  state_ = to;
  const TimePoint now = steady_wall_clock();
  const auto generation = static_cast<uint64_t>(now.time_since_epoch().count());
  notices_.add(NoticeKind::transition, Transition{to_state(from), to, generation, cause, now});
}

}  // namespace cb
