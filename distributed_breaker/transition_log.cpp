#include "distributed_breaker/transition_log.hpp"

#include <spdlog/spdlog.h>

namespace cb {
namespace {

constexpr size_t most_kept = 100;

// Opening is what somebody may have to be woken for; the others are good news, or hope.
spdlog::level::level_enum level_of(State to) {
  if (to == State::open) return spdlog::level::err;
  return to == State::half_open ? spdlog::level::warn : spdlog::level::info;
}

}  // namespace

Listener TransitionLog::listener() {
  return [this](const Event& event) {
    if (const auto transition = transition_of(event)) add(*transition);
    if (event.kind == EventKind::store_trouble) spdlog::warn("store: {}", event.cause);
  };
}

std::vector<Transition> TransitionLog::transitions() const {
  const std::scoped_lock lock(mutex_);
  return {transitions_.begin(), transitions_.end()};
}

void TransitionLog::add(const Transition& transition) {
  spdlog::log(level_of(transition.to), "{} > {}: {}", to_text(transition.from), to_text(transition.to),
              transition.cause);
  const std::scoped_lock lock(mutex_);
  transitions_.push_back(transition);
  if (transitions_.size() > most_kept) transitions_.pop_front();
}

}  // namespace cb
