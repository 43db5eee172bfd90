#include "redis_breaker/scripted_breaker.hpp"

#include <utility>
#include <variant>

#include "simple_breaker/uncancelled_thread.hpp"

namespace cb {

ScriptedBreaker::ScriptedBreaker(std::shared_ptr<const SharedBreakerGroup> group, const Identity& identity)
    : group_(std::move(group)), name_(identity.key()), notices_(group_->listener, identity) {
  require_valid(identity);
}

Admission ScriptedBreaker::acquire() {
  const StoreResult result = apply(Acquire{});
  const auto* answer = std::get_if<Answer>(&result);
  if (answer == nullptr) return Permit(*this, {}, steady_wall_clock());
  const Reply& reply = answer->replies.front();
  if (reply.kind == Reply::Kind::admitted) return Permit(*this, reply.permit, steady_wall_clock());
  notices_.add(NoticeKind::rejection, {reply.state, answer->generation}, "not permitted", steady_wall_clock());
  notices_.deliver();
  return Rejection{reply.state, reply.retry_after};
}

Settled ScriptedBreaker::settle(const PermitId& id, TimePoint started, Outcome outcome) {
  const StoreResult result = apply(Settle{id, {outcome, steady_wall_clock() - started}});
  const auto* answer = std::get_if<Answer>(&result);
  const bool is_late = answer != nullptr && answer->replies.front().kind == Reply::Kind::late;
  if (is_late) ++late_results_;
  return {state_, is_late};
}

std::string ScriptedBreaker::apply_override(const Override& order, std::chrono::milliseconds lasts) {
  const StoreResult result = apply(ApplyOverride{order, lasts}, NoticeKind::override);
  const auto* trouble = std::get_if<StoreTrouble>(&result);
  return trouble == nullptr ? "" : trouble->what;
}

DetailedStatus ScriptedBreaker::detailed_status() {
  const StoreResult result = apply(Tick{});
  DetailedStatus status;
  if (const auto* answer = std::get_if<Answer>(&result)) show(*answer, group_->policy, status);
  if (const auto* trouble = std::get_if<StoreTrouble>(&result)) status.store.error = trouble->what;
  status.store.name = group_->store->name().id + ", scripted";
  status.store.errors = errors_;
  status.late_results = late_results_;
  status.listener_errors = notices_.listener_errors();
  return status;
}

StoreResult ScriptedBreaker::apply(const Event& event, NoticeKind kind) {
  const UncancelledThread uncancelled;  // a cancelled one would take a probe with it
  StoreResult result = group_->store->apply(name_, {.is_count_due = false}, {event});
  const auto* answer = std::get_if<Answer>(&result);
  if (answer == nullptr) {
    ++errors_;
    return result;
  }
  state_ = answer->state;
  for (Transition transition : answer->replies.front().transitions) {
    transition.at = steady_wall_clock();
    notices_.add(kind, transition);
  }
  const bool is_probe = answer->replies.front().permit.probe != 0;  // its lease runs: it delivers when it ends
  if (!is_probe) notices_.deliver();
  return result;
}

}  // namespace cb
