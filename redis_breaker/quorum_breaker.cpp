#include "redis_breaker/quorum_breaker.hpp"

#include <utility>

namespace cb {
namespace {

// False for notices that the shared breaker reports as well, and for the reset of a closed local breaker.
bool is_local_only(const Notice& notice) {
  if (notice.kind == NoticeKind::override) return notice.from != notice.to;
  return notice.kind == NoticeKind::transition || notice.kind == NoticeKind::rejection;
}

}  // namespace

QuorumBreaker::QuorumBreaker(const std::shared_ptr<const SharedBreakerGroup>& group, const Identity& identity)
    : group_(group),
      notices_(group->listener, identity),
      shared_(group, identity, notices_.held_back()),
      local_(group->local, notices_.held_back().part("this instance only: ", is_local_only)) {}

QuorumBreaker::~QuorumBreaker() { notices_.close(); }

// Like a probe, a call that both have admitted does not wait for a listener.
Admission QuorumBreaker::acquire() {
  NoticeQueue::Delivery of_store(group_->gate->notices()), delivery(notices_);
  Admission admission = acquire_both();
  if (std::holds_alternative<Permit>(admission)) delivery.dismiss();
  return admission;
}

Admission QuorumBreaker::acquire_both() {
  Admission shared = shared_.acquire();
  auto* permit = std::get_if<Permit>(&shared);
  if (permit == nullptr) return shared;
  reset_if_changed(shared_.view().word().generation());
  if (shared_.view().word().is_overridden()) return shared;
  Admission local = local_.acquire();
  if (std::holds_alternative<Rejection>(local)) return local;  // this returns the shared permit
  return grant(std::move(*permit), std::get<Permit>(std::move(local)));
}

std::optional<Rejection> QuorumBreaker::early_rejection(std::chrono::milliseconds wait) {
  const NoticeQueue::Delivery delivery(notices_);
  const auto shared = shared_.early_rejection(wait);
  if (shared || shared_.view().word().is_overridden()) return shared;
  reset_if_changed(shared_.view().word().generation());
  return local_.early_rejection(wait);
}

State QuorumBreaker::known_state() const {
  const State shared = shared_.known_state();
  return shared == State::closed || local_.is_open() ? local_.known_state() : shared;
}

// The caller's permit carries a ticket in place of a start time; the two permits behind it are stored under that
// ticket.
Permit QuorumBreaker::grant(Permit shared, Permit local) {
  PermitId id = shared.id();
  if (id.probe == 0) id.probe = local.id().probe;  // report it as a probe, even if only the local breaker probes
  const std::scoped_lock lock(mutex_);
  const int64_t ticket = ++tickets_;
  in_flight_.emplace(ticket, Both{std::move(shared), std::move(local)});
  return Permit(*this, id, TimePoint(std::chrono::microseconds(ticket)));
}

Settled QuorumBreaker::settle(const PermitId&, TimePoint ticket, Outcome outcome) {
  const NoticeQueue::Delivery delivery(notices_);
  std::unique_lock lock(mutex_);
  auto both = in_flight_.extract(ticket.time_since_epoch().count());
  lock.unlock();
  both.mapped().local.settle(outcome);
  return both.mapped().shared.settle(outcome);
}

DetailedStatus QuorumBreaker::detailed_status() {
  const NoticeQueue::Delivery delivery(notices_);
  DetailedStatus status = shared_.detailed_status();
  reset_if_changed(shared_.view().word().generation());
  const DetailedStatus local = local_.detailed_status();
  const bool open_locally = status.state == State::closed && status.active_override.mode == Mode::automatic;
  if (!open_locally || local.state == State::closed) return status;
  status.open_locally = true;
  status.state = local.state;
  status.failures = local.failures;
  status.retry_after = local.retry_after;
  return status;
}

std::string QuorumBreaker::apply_override(const Override& order, std::chrono::milliseconds lasts) {
  const NoticeQueue::Delivery delivery(notices_);
  std::string fault = shared_.apply_override(order, lasts);
  if (fault.empty()) local_.apply_override({Mode::reset, order.actor, order.reason}, {});
  return fault;
}

void QuorumBreaker::report_health(Health health) {
  const NoticeQueue::Delivery delivery(notices_);
  if (shared_.is_open()) shared_.report_health(health);
  if (local_.is_open()) local_.report_health(health);
}

// Resets the local breaker after a transition of the shared one. (Generation 0: Redis could not be asked.)
void QuorumBreaker::reset_if_changed(uint64_t generation) {
  uint64_t known = latest_generation_;
  if (generation <= known || !latest_generation_.compare_exchange_strong(known, generation)) return;
  if (known != 0) local_.apply_override({Mode::reset, "fleet", ""}, {});
}

}  // namespace cb
