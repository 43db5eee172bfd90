#include "redis_breaker/cached_breaker.hpp"

#include <utility>

namespace cb {

using std::chrono::milliseconds;

std::variant<PermitId, Rejection, StoreTrouble> CachedBreaker::acquire() {
  if (!shell_.has_listener()) {  // a listener needs the order of what happened: the lock's
    if (const auto rejection = shell_.fast().rejects_at_once(steady_time(), policy())) return *rejection;
  }
  auto lock = shell_.lock();
  const auto answer = shell_.core().acquire(shell_.fast().feed(), steady_wall_clock());
  shell_.publish();
  if (const auto* permit = std::get_if<PermitId>(&answer)) return *permit;
  if (const auto* rejection = std::get_if<Rejection>(&answer)) return *rejection;
  const auto outcome = shell_.await(std::get<CachedCore::Ticket>(answer), lock);
  if (const auto* trouble = std::get_if<StoreTrouble>(&outcome)) return *trouble;
  const auto& reply = std::get<Reply>(outcome);
  if (reply.kind == Reply::Kind::admitted) return reply.permit;
  return Rejection{reply.state, reply.retry_after};
}

std::variant<Settled, StoreTrouble> CachedBreaker::settle(const PermitId& id, const CallResult& result) {
  if (const auto counted = count_success(id, result)) return *counted;
  auto lock = shell_.lock();
  shell_.add_successes();  // no failure overtakes the successes before it
  const auto answer = shell_.core().settle({id, result}, steady_wall_clock());
  shell_.publish();
  if (const auto* settled = std::get_if<Settled>(&answer)) return *settled;
  const auto outcome = shell_.await(std::get<CachedCore::Ticket>(answer), lock);
  if (const auto* trouble = std::get_if<StoreTrouble>(&outcome)) return *trouble;
  const auto& reply = std::get<Reply>(outcome);
  return Settled{reply.state, reply.kind == Reply::Kind::late};
}

std::optional<Settled> CachedBreaker::count_success(const PermitId& id, const CallResult& result) {
  const bool is_good = result.outcome == Outcome::success && !is_slow(result, policy());
  const auto counted = is_good ? shell_.fast().count_success(id) : std::nullopt;
  if (!counted) return std::nullopt;
  if (counted->must_report) shell_.report_soon();
  const uint64_t late = counted->older + (counted->is_late ? 1 : 0);
  if (late == 0) return Settled{shell_.fast().word().state(), false};
  const auto lock = shell_.lock();
  shell_.core().add_successes(0, late, steady_wall_clock());
  shell_.publish();
  return Settled{shell_.core().view().state, counted->is_late};
}

std::chrono::microseconds CachedBreaker::took(TimePoint started) const {
  if (!shell_.fast().times_calls()) return {};
  const auto at_most = coarse_reading().latest - started;
  return at_most < policy().slow_call_duration_threshold ? at_most : steady_wall_clock() - started;
}

std::optional<Rejection> CachedBreaker::early_rejection(milliseconds wait) {
  if (shell_.fast().word().state() == State::closed) return std::nullopt;
  const auto lock = shell_.lock();
  const CachedView& view = shell_.core().view();
  const Feed feed = shell_.fast().feed();  // once: the session may end meanwhile
  const TimePoint now = steady_wall_clock();
  const bool may_end_sooner = view.state == State::half_open && wait.count() > 0;  // with the probes in flight
  if (may_end_sooner || !view.is_usable(feed, now) || now + wait >= view.admits_from) return std::nullopt;
  const auto answer = shell_.core().acquire(feed, now);
  shell_.publish();
  return std::get<Rejection>(answer);
}

// The store keeps the state, but not the successes that it has not received. And evicting a breaker with failures, or
// an open one, costs more than it frees: its tenant's next calls may have to use the common breaker, and count there
// from zero.
bool CachedBreaker::is_evictable(milliseconds idle) const {
  const PublishedView::Word word = shell_.fast().word();
  const bool holds_evidence = shell_.fast().has_successes() || word.reports_successes();
  if (word.state() == State::closed) return idle >= ManagedBreaker::evidence_matters_for || !holds_evidence;
  const TimePoint from = shell_.fast().admits_from();
  return from != never && steady_wall_clock() >= from + policy().recovery_timeout;
}

void CachedBreaker::add_counters(DetailedStatus& status) const {
  const CachedCore::Counters counters = shell_.known().counters;
  status.late_results += counters.late_results;
  status.slow_calls += counters.slow_calls;
  status.would_have_tripped += counters.would_have_tripped;
  status.store.errors += counters.store_errors;
}

}  // namespace cb
