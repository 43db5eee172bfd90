#include "redis_breaker/quorum_breaker.hpp"

#include <utility>

namespace cb {
namespace {

Listener only_transitions(Listener listener) {
  if (!listener) return {};
  return [listener = std::move(listener)](const Event& event) {
    if (event.kind != EventKind::transition) return;
    const std::string cause = "alone: " + std::string(event.cause);
    Event alone = event;
    alone.cause = cause;
    listener(alone);
  };
}

}  // namespace

QuorumBreaker::QuorumBreaker(std::unique_ptr<Breaker> shared, const Policy& policy, Listener listener,
                             Identity identity)
    : shared_(std::move(shared)), own_(policy, only_transitions(std::move(listener)), {}, std::move(identity)) {}

Admission QuorumBreaker::acquire() {
  Admission own = own_.acquire();
  if (std::holds_alternative<Rejection>(own)) return own;
  Admission shared = shared_->acquire();
  auto* permit = std::get_if<Permit>(&shared);
  if (permit == nullptr) return shared;  // and the own permit is given back
  follow(permit->id().generation);
  return grant(std::move(*permit), std::get<Permit>(std::move(own)));
}

// The permit that the caller gets carries, in place of a time, the number under which the two behind it are kept.
Permit QuorumBreaker::grant(Permit shared, Permit own) {
  const PermitId id = shared.id();
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

Status QuorumBreaker::status() {
  Status status = shared_->status();
  follow(status.generation);
  const Status own = own_.status();
  if (status.state != State::closed || own.state == State::closed) return status;
  status.alone = true;
  status.state = own.state;
  status.failures = own.failures;
  status.retry_after = own.retry_after;
  return status;
}

std::string QuorumBreaker::impose(const Override& order, std::chrono::milliseconds lasts) {
  const std::string fault = shared_->impose(order, lasts);
  if (fault.empty()) own_.impose({Mode::reset, order.actor, order.reason}, {});
  return fault;
}

void QuorumBreaker::hear(Health health) {
  if (shared_->is_open()) shared_->hear(health);
  if (own_.is_open()) own_.hear(health);
}

// The fleet's circuit has entered another stay. (Generation 0 is no stay: Redis could not be asked.)
void QuorumBreaker::follow(uint64_t generation) {
  uint64_t known = followed_;
  if (generation <= known || !followed_.compare_exchange_strong(known, generation)) return;
  if (known != 0) own_.impose({Mode::reset, "fleet", ""}, {});
}

}  // namespace cb
