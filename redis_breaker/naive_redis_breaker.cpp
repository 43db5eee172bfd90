#include "redis_breaker/naive_redis_breaker.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "simple_breaker/clock.hpp"

namespace cb {

NaiveRedisBreaker::NaiveRedisBreaker(redis::Client& client, const Identity& identity, const Policy& policy,
                                     Listener listener)
    : client_(client),
      prefix_(client.prefix(identity.key())),
      policy_(policy),
      notices_(shared(std::move(listener)), identity),
      is_tenants_(!identity.context.empty()) {
  require_valid(identity);
  require_valid(policy);
  if (!is_tenants_) create_keys();
}

void NaiveRedisBreaker::create_keys() {
  if (has_keys()) return;
  set("state", "closed");  // before this line, another instance may open it
  set("failures", "0");
  set("last_failure", "0");
}

Admission NaiveRedisBreaker::acquire() {
  const NoticeQueue::Delivery delivery(notices_);
  if (is_tenants_) std::call_once(created_, [this] { create_keys(); });
  const State state = get_state();
  if (state == State::closed) return Permit(*this, {1, 0});
  const double left = std::stod(get("last_failure")) + Seconds(policy_.recovery_timeout).count() - epoch_seconds();
  if (state == State::open && left <= 0) {
    transition(state, State::half_open, "recovery timeout over");
    return Permit(*this, {1, 1});
  }
  return Rejection{state, std::chrono::milliseconds(std::max<int64_t>(1, static_cast<int64_t>(left * 1000)))};
}

Settled NaiveRedisBreaker::settle(const PermitId&, TimePoint, Outcome outcome) {
  if (outcome == Outcome::ignored) return {state_, false};
  const NoticeQueue::Delivery delivery(notices_);
  try {
    if (outcome == Outcome::failure) throw std::runtime_error("the call failed");
    set("failures", "0");
    if (get_state() == State::half_open) transition(State::half_open, State::closed, "a call succeeded");
  } catch (const std::exception&) {
    on_failure();  // the textbook has one `except` around the call and the bookkeeping
  }
  return {get_state(), false};
}

void NaiveRedisBreaker::on_failure() {
  const int failures = std::stoi(ask({"INCR", prefix_ + "failures"}));
  set("last_failure", std::to_string(epoch_seconds()));
  const State state = get_state();
  if (failures >= policy_.failure_threshold && state != State::open)
    transition(state, State::open, std::to_string(failures) + " failures");
}

DetailedStatus NaiveRedisBreaker::detailed_status() {
  DetailedStatus status;
  status.store.name = "redis, naive";
  status.listener_errors = notices_.listener_errors();
  if (is_tenants_ && !has_keys()) return status;  // no call yet
  status.state = get_state();
  status.failures = std::stoi(get("failures"));
  return status;
}

std::string NaiveRedisBreaker::ask(const std::vector<std::string>& command) {
  const redis::Reply reply = client_.command(command);
  if (!reply.error().empty()) throw std::runtime_error(reply.error());
  if (reply->type == REDIS_REPLY_NIL) throw std::runtime_error(command[1] + " is missing");
  return reply->type == REDIS_REPLY_INTEGER ? std::to_string(reply->integer) : std::string(redis::text_of(*reply));
}

void NaiveRedisBreaker::transition(State from, State to, const std::string& cause) {
  set("state", std::string(to_text(to)));
  state_ = to;
  const auto generation = static_cast<uint64_t>(epoch_seconds() * 1e6);
  notices_.add(NoticeKind::transition, {from, to, generation, cause, steady_wall_clock()});
}

}  // namespace cb
