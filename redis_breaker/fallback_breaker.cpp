#include "redis_breaker/fallback_breaker.hpp"

#include <utility>
#include <variant>

namespace cb {
namespace {

using std::chrono::milliseconds;

// Counters must not decrease when the store recovers.
void add_counters(const DetailedStatus& local, DetailedStatus& status) {
  status.late_results += local.late_results;
  status.slow_calls += local.slow_calls;
  status.would_have_tripped += local.would_have_tripped;
}

}  // namespace

FallbackBreaker::FallbackBreaker(redis::Client& client, const std::string& name, const Policy& policy,
                                 Listener listener)
    : FallbackBreaker(std::make_shared<SharedBreakerGroup>(client, policy, std::move(listener)), {name}) {}

FallbackBreaker::FallbackBreaker(std::shared_ptr<const SharedBreakerGroup> group, const Identity& identity)
    : FallbackBreaker(group, identity, NoticeQueue(group->listener, identity)) {}

FallbackBreaker::FallbackBreaker(std::shared_ptr<const SharedBreakerGroup> group, const Identity& identity,
                                 NoticeQueue notices)
    : group_(std::move(group)), notices_(std::move(notices)), shared_(group_, identity, notices_) {}

FallbackBreaker::~FallbackBreaker() { notices_.close(); }

// What an operation reports is delivered at its end, when no lock is held. The listener may destroy the breaker.
void FallbackBreaker::deliver() const {
  const NoticeQueue::Delivery store(group_->store->notices()), breaker(notices_);
}

Admission FallbackBreaker::acquire() {
  const bool times_calls = shared_.fast().times_calls();
  if (const auto permit = shared_.fast().admits_at_once())
    return Permit(*this, *permit, times_calls ? steady_wall_clock() : TimePoint{});
  if (is_available()) {
    const auto answer = shared_.acquire();
    const auto* permit = std::get_if<PermitId>(&answer);
    // A listener's time is not a probe's, whose lease runs: the probe delivers when it ends.
    if (permit == nullptr || permit->probe == 0) deliver();
    if (permit != nullptr) return Permit(*this, *permit, steady_wall_clock());
    if (const auto* rejection = std::get_if<Rejection>(&answer)) return *rejection;
  }
  ++local_calls_;
  return local_breaker().acquire();
}

std::optional<Rejection> FallbackBreaker::early_rejection(milliseconds wait) {
  auto rejection = is_available() ? shared_.early_rejection(wait) : local_breaker().early_rejection(wait);
  if (rejection && !is_available()) ++local_calls_;
  deliver();
  return rejection;
}

Settled FallbackBreaker::settle(const PermitId& id, TimePoint started, Outcome outcome) {
  const bool watches = watches_successes_.load(std::memory_order_relaxed);
  if (outcome == Outcome::success && !watches && shared_.fast().ignores_success(id)) return {};
  const bool times_calls = shared_.fast().times_calls();
  const Settled settled =
      settle_shared(id, {outcome, times_calls ? steady_wall_clock() - started : std::chrono::microseconds(0)});
  return settled;
}

Settled FallbackBreaker::settle_shared(const PermitId& id, const CallResult& result) {
  if (is_available()) {
    const auto answer = shared_.settle(id, result);
    const auto* settled = std::get_if<Settled>(&answer);
    if (settled != nullptr) {
      if (result.outcome == Outcome::success && !settled->late) forget_local_failures();
      deliver();
      return *settled;
    }
  }
  // The shared breaker admitted this call, and its store does not get the result.
  const Settled settled = local_breaker().settle_shared(id, steady_wall_clock() - result.took, result.outcome);
  deliver();
  return settled;
}

std::string FallbackBreaker::apply_override(const Override& order, milliseconds lasts) {
  const auto outcome = shared_.apply(ApplyOverride{order, lasts});
  deliver();
  const bool is_done = std::holds_alternative<Reply>(outcome);
  return is_done ? "" : "Redis did not accept the override; as far as is known, nothing has changed";
}

void FallbackBreaker::report_health(Health health) {
  if (!is_available()) local_breaker().report_health(health);
  shared_.apply(HealthReport{health});
  deliver();
}

DetailedStatus FallbackBreaker::detailed_status() {
  const auto age = shared_.known().age;
  const bool is_shared = std::holds_alternative<Reply>(shared_.apply(Tick{}));
  const CachedBreaker::Known known = shared_.known();
  DetailedStatus status = is_shared ? status_of(known.answer, group_->policy) : local_breaker().detailed_status();
  if (is_shared && local_version_ != none) add_counters(local_->detailed_status(), status);
  if (!is_shared) {
    status.store.name = "local";
    status.store.error = group_->store->error();
  }
  status.store.view_age = age;
  status.store.errors = known.counters.store_errors;
  status.store.local_calls = local_calls_;
  status.late_results += known.counters.late_results;
  status.slow_calls += known.counters.slow_calls;
  status.would_have_tripped += known.counters.would_have_tripped;
  status.listener_errors = notices_.listener_errors();
  deliver();
  return status;
}

// --- the local breaker

// A call that ends after the store has recovered may change a local breaker that is no longer in use: that is not a
// transition of the instance's breaker.
NoticeQueue FallbackBreaker::local_notices() const {
  return notices_.part("local: ", [this](const Notice& notice) {
    const bool is_transition = notice.kind == NoticeKind::transition || notice.kind == NoticeKind::override;
    return !is_transition || !is_available();
  });
}

// A view that has changed since is followed again: nothing that the instance knew when the store failed is missed.
LocalBreaker& FallbackBreaker::local_breaker() {
  if (local_version_.load(std::memory_order_acquire) == shared_.fast().version()) return *local_;
  const std::scoped_lock lock(mutex_);
  CachedBreaker::Known known = shared_.known();
  if (local_version_ == known.version) return *local_;
  if (shared_.take_unsent_successes() > 0) known.snapshot.counts.failures = 0;
  if (!local_) local_ = std::make_unique<LocalBreaker>(group_->local, local_notices());
  local_->follow(
      {known.snapshot, known.answer.active_override, known.answer.epoch, known.answer.origin.run, known.version},
      group_->store->recovered_at());
  watches_successes_ = true;
  local_version_ = known.version;
  return *local_;
}

// After a success, the next outage does not continue with what the local breaker counted in the last one.
void FallbackBreaker::forget_local_failures() {
  const bool watches = watches_successes_.load(std::memory_order_acquire);
  if (watches && local_->saw_success(shared_.fast().version())) watches_successes_ = false;
}

bool FallbackBreaker::is_local() const {
  return !is_available() && local_version_.load(std::memory_order_acquire) == shared_.fast().version();
}

State FallbackBreaker::known_state() const {
  return is_local() ? local_->known_state() : shared_.fast().word().state();
}

// The store keeps the state, but not the successes that it has not received. And evicting a breaker with failures, or
// an open one, costs more than it frees: its tenant's next calls may have to use the common breaker, and count there
// from zero.
bool FallbackBreaker::is_evictable(milliseconds idle) const {
  if (is_local()) return local_->is_evictable(idle);
  const PublishedView& fast = shared_.fast();
  const PublishedView::Word word = fast.word();
  if (!is_available() && word.is_overridden()) return false;
  const bool holds_evidence = fast.has_successes() || word.reports_successes();
  if (word.state() == State::closed) return idle >= evidence_matters_for || !holds_evidence;
  const TimePoint from = fast.admits_from();
  return from != never && steady_wall_clock() >= from + group_->policy.recovery_timeout;
}

}  // namespace cb
