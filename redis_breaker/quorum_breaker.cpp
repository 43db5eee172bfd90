#include "redis_breaker/quorum_breaker.hpp"

#include <utility>

namespace cb {
namespace {

// Of what the shared breaker tells too, nothing; nor that a closed one begins anew.
bool is_news(const Event& event) {
  switch (event.kind) {
    case EventKind::transition:
    case EventKind::rejection:
      return true;
    case EventKind::override:
      return event.from != event.to;
    default:
      return false;
  }
}

Listener alone(const Listener& listener) {
  if (!listener) return {};
  return [listener](Event event) {
    if (!is_news(event)) return;
    const std::string cause = "alone: " + std::string(event.cause);
    event.cause = cause;
    listener(event);
  };
}

}  // namespace

QuorumBreaker::QuorumBreaker(const std::shared_ptr<const SharedSetup>& setup, const Identity& identity)
    : shared_(setup, identity), own_(setup->policy, alone(setup->listener), {}, identity) {}

Admission QuorumBreaker::acquire() {
  Admission shared = shared_.acquire();
  auto* permit = std::get_if<Permit>(&shared);
  if (permit == nullptr) return shared;
  follow(shared_.known_generation());
  if (shared_.is_overridden()) return shared;
  Admission own = own_.acquire();
  if (std::holds_alternative<Rejection>(own)) return own;  // and the shared permit is given back
  return grant(std::move(*permit), std::get<Permit>(std::move(own)));
}

State QuorumBreaker::known_state() const {
  const State shared = shared_.known_state();
  return shared == State::closed || own_.is_open() ? own_.known_state() : shared;
}

// The permit that the caller gets carries, in place of a time, the number under which the two behind it are kept.
Permit QuorumBreaker::grant(Permit shared, Permit own) {
  PermitId id = shared.id();
  if (id.probe == 0) id.probe = own.id().probe;  // a probe for whoever asks, if only this instance's own
  const std::scoped_lock lock(mutex_);
  const int64_t ticket = ++tickets_;
  out_.emplace(ticket, Both{std::move(shared), std::move(own)});
  return Permit(*this, id, TimePoint(std::chrono::microseconds(ticket)));
}

Settled QuorumBreaker::settle(const PermitId&, TimePoint ticket, Outcome outcome) {
  std::unique_lock lock(mutex_);
  auto both = out_.extract(ticket.time_since_epoch().count());
  lock.unlock();
  both.mapped().own.settle(outcome);
  return both.mapped().shared.settle(outcome);
}

DetailedStatus QuorumBreaker::detailed_status() {
  DetailedStatus status = shared_.detailed_status();
  follow(shared_.known_generation());
  const DetailedStatus own = own_.detailed_status();
  const bool alone = status.state == State::closed && status.active_override.mode == Mode::automatic;
  if (!alone || own.state == State::closed) return status;
  status.open_locally = true;
  status.state = own.state;
  status.failures = own.failures;
  status.retry_after = own.retry_after;
  return status;
}

std::string QuorumBreaker::apply_override(const Override& order, std::chrono::milliseconds lasts) {
  std::string fault = shared_.apply_override(order, lasts);
  if (fault.empty()) own_.apply_override({Mode::reset, order.actor, order.reason}, {});
  return fault;
}

void QuorumBreaker::report_health(Health health) {
  if (shared_.is_open()) shared_.report_health(health);
  if (own_.is_open()) own_.report_health(health);
}

// The fleet's circuit has entered another stay. (Generation 0 is no stay: Redis could not be asked.)
void QuorumBreaker::follow(uint64_t generation) {
  uint64_t known = followed_;
  if (generation <= known || !followed_.compare_exchange_strong(known, generation)) return;
  if (known != 0) own_.apply_override({Mode::reset, "fleet", ""}, {});
}

}  // namespace cb
