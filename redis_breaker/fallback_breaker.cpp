#include "redis_breaker/fallback_breaker.hpp"

namespace cb {

FallbackBreaker::FallbackBreaker(std::shared_ptr<const SharedBreakerGroup> group, const Identity& identity,
                                 NoticeQueue notices)
    : group_(std::move(group)),
      notices_(std::move(notices)),
      shared_(group_, identity, notices_),
      local_(group_->local, notices_, [this] { return !is_available(); }) {}

// Each of these two does what most calls need, and no more: a frame for the rest would cost them nanoseconds.

Admission FallbackBreaker::acquire() {
  const bool times_calls = view().times_calls();
  const SteadyTime now = times_calls ? steady_time() : coarse_steady_time();
  if (const auto permit = view().admits_at_once(now))
    return Permit(*this, *permit, times_calls ? wall_time(now) : TimePoint{});
  return acquire_elsewhere();
}

Settled FallbackBreaker::settle(const PermitId& id, TimePoint started, Outcome outcome) {
  if (outcome == Outcome::success && !local_.watches_successes() && view().ignores_success(id)) return {};
  return settle_elsewhere(id, started, outcome);
}

Admission FallbackBreaker::acquire_elsewhere() {
  if (is_available()) {
    NoticeQueue::Delivery of_store(group_->gate->notices()), delivery(notices_);
    const auto answer = shared_.acquire();
    const auto* permit = std::get_if<PermitId>(&answer);
    if (permit != nullptr && permit->probe != 0) delivery.dismiss();  // its lease runs: it delivers when it ends
    delivery.finish();                                                // before the call's time begins
    if (permit != nullptr) return Permit(*this, *permit, steady_wall_clock());
    if (const auto* rejection = std::get_if<Rejection>(&answer)) return *rejection;
  }
  return local().acquire();
}

std::optional<Rejection> FallbackBreaker::early_rejection(std::chrono::milliseconds wait) {
  const bool is_shared = is_available();
  if (is_shared && view().word().state() == State::closed) return std::nullopt;
  const NoticeQueue::Delivery of_store(group_->gate->notices()), delivery(notices_);
  return is_shared ? shared_.early_rejection(wait) : local().early_rejection(wait);
}

Settled FallbackBreaker::settle_elsewhere(const PermitId& id, TimePoint started, Outcome outcome) {
  const CallResult result{outcome, shared_.took(started)};
  const bool may_count = !local_.watches_successes() && is_available();
  if (const auto counted = may_count ? shared_.count_success(id, result) : std::nullopt) return *counted;
  const NoticeQueue::Delivery of_store(group_->gate->notices()), delivery(notices_);
  const auto answer = is_available() ? shared_.settle(id, result) : StoreTrouble{};
  const auto* shared = std::get_if<Settled>(&answer);
  if (!shared) return local().settle_shared(id, steady_wall_clock() - result.took, outcome);
  if (outcome == Outcome::success && !shared->late) local_.saw_success(view().version());
  return *shared;
}

std::string FallbackBreaker::apply_override(const Override& order, std::chrono::milliseconds lasts) {
  const NoticeQueue::Delivery of_store(group_->gate->notices()), delivery(notices_);
  const bool is_done = std::holds_alternative<Reply>(shared_.shell().apply(ApplyOverride{order, lasts}));
  return is_done ? "" : store_name().title + " did not accept the override; as far as is known, nothing has changed";
}

BreakerDescription FallbackBreaker::describe() const {
  BreakerDescription description = shared_.shell().describe();
  if (is_local()) description.cause = local_.describe().cause;
  return description;
}

void FallbackBreaker::report_health(Health health) {
  const NoticeQueue::Delivery of_store(group_->gate->notices()), delivery(notices_);
  if (!is_available()) local().report_health(health);
  shared_.shell().apply(HealthReport{health});
}

DetailedStatus FallbackBreaker::detailed_status() {
  const NoticeQueue::Delivery of_store(group_->gate->notices()), delivery(notices_);
  const auto age = shared_.shell().known().age;
  const bool is_shared = std::holds_alternative<Reply>(shared_.shell().apply(Tick{}));
  DetailedStatus status = (is_shared ? local_ : local()).detailed_status();  // its counters must not decrease
  if (is_shared) show(shared_.shell().known().answer, group_->policy, status);
  status.store.name = is_shared ? store_name().id : "local";
  status.store.error = group_->gate->error();
  status.store.view_age = age;
  status.listener_errors = notices_.listener_errors();
  shared_.add_counters(status);
  return status;
}

// A view that has changed since is followed again: nothing that the instance knew when the store failed is missed.
LocalBreaker& FallbackBreaker::local() {
  if (!local_.follows(view().version())) local_.follow(shared_.shell().hand_over(), group_->gate->recovered_at());
  return local_;
}

bool FallbackBreaker::is_evictable(std::chrono::milliseconds idle) const {
  if (is_local()) return local_.is_evictable(idle);
  return (is_available() || !view().word().is_overridden()) && shared_.is_evictable(idle);
}

}  // namespace cb
