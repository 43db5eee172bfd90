#include "load_generator/simulation/fleet/quorum_instance.hpp"

#include <utility>

namespace simulation {

Task QuorumInstance::acquire_both(Answer<Admission>& answer) {
  Answer<Admission> asked(loop_);
  shared_->acquire(asked);
  Admission admission = co_await asked.given();
  auto* granted = std::get_if<Granted>(&admission);
  if (granted != nullptr) reset_if_changed();
  if (granted != nullptr && !shared_->core().view().is_overridden) {
    cb::Admission local = local_.acquire();
    if (const auto* rejection = std::get_if<cb::Rejection>(&local)) {
      give_back(std::move(*granted));
      admission = *rejection;
    } else {
      auto& permit = std::get<cb::Permit>(local);
      if (granted->id.probe == 0) granted->id.probe = permit.id().probe;
      granted->of_instance = std::make_unique<cb::Permit>(std::move(permit));
    }
  }
  answer.give(std::move(admission));
}

Task QuorumInstance::give_back(Granted granted) {
  Answer<cb::Settled> settled(loop_);
  shared_->settle(granted, cb::Outcome::ignored, settled);
  co_await settled.given();
}

void QuorumInstance::settle(Granted& granted, cb::Outcome outcome, Answer<cb::Settled>& answer) {
  if (granted.of_instance) {
    if (granted.id.probe == granted.of_instance->id().probe) granted.id.probe = 0;  // only this instance probed
    granted.of_instance->settle(outcome);
  }
  shared_->settle(granted, outcome, answer);
}

void QuorumInstance::apply_override(const cb::Override& order, milliseconds lasts) {
  shared_->apply_override(order, lasts);
  local_.apply_override({cb::Mode::reset, order.actor, order.reason}, {});
}

cb::State QuorumInstance::state() const {
  const cb::State shared = shared_->state();
  return shared == cb::State::closed ? local_.known_state() : shared;
}

void QuorumInstance::reset_if_changed() {
  const uint64_t generation = shared_->core().view().generation;
  if (generation <= latest_generation_) return;
  if (std::exchange(latest_generation_, generation) != 0) local_.apply_override({cb::Mode::reset, "fleet", ""}, {});
}

}  // namespace simulation
