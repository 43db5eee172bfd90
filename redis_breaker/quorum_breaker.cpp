#include "redis_breaker/quorum_breaker.hpp"

namespace cb {

// The local breaker's notices: not those that the shared one reports as well, and not its reset while it is closed.
QuorumBreaker::QuorumBreaker(const std::shared_ptr<const SharedBreakerGroup>& group, const Identity& identity)
    : group_(group),
      notices_(group->listener, identity),
      shared_(group, identity, notices_.held_back()),
      local_(group->local, notices_.held_back().part("this instance only: ", [](const Notice& notice) {
        if (notice.kind == NoticeKind::override) return notice.from != notice.to;
        return notice.kind == NoticeKind::transition || notice.kind == NoticeKind::rejection;
      })) {}

// Like a probe, a call that both have admitted does not wait for a listener.
Admission QuorumBreaker::acquire() {
  NoticeQueue::Delivery of_store(group_->gate->notices()), delivery(notices_);
  Admission shared = shared_.acquire();
  if (!std::holds_alternative<Permit>(shared)) return shared;
  Admission both = add_local_permit(std::get<Permit>(std::move(shared)));
  if (std::holds_alternative<Permit>(both)) delivery.dismiss();
  return both;
}

// The caller's permit carries a ticket in place of a start time, under which the two permits behind it are stored.
Admission QuorumBreaker::add_local_permit(Permit shared) {
  reset_if_changed();
  if (shared_.view().word().is_overridden()) return shared;
  Admission local = local_.acquire();
  auto* permit = std::get_if<Permit>(&local);
  if (permit == nullptr) return local;  // this returns the shared permit
  PermitId id = shared.id();
  if (id.probe == 0) id.probe = permit->id().probe;  // report it as a probe, even if only the local breaker probes
  const std::scoped_lock lock(mutex_);
  last_ticket_ += std::chrono::microseconds(1);
  in_flight_.emplace(last_ticket_, std::pair(std::move(shared), std::move(*permit)));
  return Permit(*this, id, last_ticket_);
}

std::optional<Rejection> QuorumBreaker::early_rejection(std::chrono::milliseconds wait) {
  const NoticeQueue::Delivery delivery(notices_);
  const auto shared = shared_.early_rejection(wait);
  if (shared || shared_.view().word().is_overridden()) return shared;
  reset_if_changed();
  return local_.early_rejection(wait);
}

State QuorumBreaker::known_state() const {
  const State shared = shared_.known_state();
  return shared == State::closed || local_.is_open() ? local_.known_state() : shared;
}

Settled QuorumBreaker::settle(const PermitId&, TimePoint ticket, Outcome outcome) {
  const NoticeQueue::Delivery delivery(notices_);
  std::unique_lock lock(mutex_);
  auto permits = in_flight_.extract(ticket);
  lock.unlock();
  auto& [shared, local] = permits.mapped();
  local.settle(outcome);
  return shared.settle(outcome);
}

DetailedStatus QuorumBreaker::detailed_status() {
  const NoticeQueue::Delivery delivery(notices_);
  DetailedStatus status = shared_.detailed_status();
  reset_if_changed();
  const DetailedStatus local = local_.detailed_status();
  const bool admits_all = status.state == State::closed && status.active_override.mode == Mode::automatic;
  status.open_locally = admits_all && local.state != State::closed;
  if (status.open_locally)
    static_cast<Status&>(status) = {local.state, status.generation, local.failures, local.retry_after};
  return status;
}

BreakerDescription QuorumBreaker::describe() const {
  const bool is_local = shared_.known_state() == State::closed && local_.is_open();
  return {shared_.describe().name, is_local ? local_.describe().cause : shared_.describe().cause};
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

// Resets the local breaker after a transition of the shared one. (Generation 0: the store could not be asked.)
void QuorumBreaker::reset_if_changed() {
  const uint64_t generation = shared_.view().word().generation();
  uint64_t known = latest_generation_;
  if (generation <= known || !latest_generation_.compare_exchange_strong(known, generation)) return;
  if (known != 0) local_.apply_override({Mode::reset, "fleet", ""}, {});
}

}  // namespace cb
