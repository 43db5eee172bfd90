#include "distributed_breaker/reporting/transition_log.hpp"

#include <spdlog/spdlog.h>

namespace cb {
namespace {

constexpr size_t most_transitions_kept = 100;

// Opening may have to wake an operator; the other transitions are good news.
spdlog::level::level_enum level_of(State to) {
  if (to == State::open) return spdlog::level::err;
  return to == State::half_open ? spdlog::level::warn : spdlog::level::info;
}

// "acme: " for a tenant's breaker.
std::string prefix(const Event& event) { return event.context.empty() ? "" : std::string(event.context) + ": "; }

void log(const Event& event) {
  switch (event.kind) {
    case EventKind::transition:
    case EventKind::override:
      spdlog::log(level_of(event.to), "{}{} > {}: {}", prefix(event), to_text(event.from), to_text(event.to),
                  event.cause);
      break;
    case EventKind::would_have_tripped:
      spdlog::warn("{}would have opened: {}", prefix(event), event.cause);
      break;
    case EventKind::slow_call:
      spdlog::warn("{}slow call: {}", prefix(event), event.cause);
      break;
    case EventKind::store_trouble:
      spdlog::warn("store: {}", event.cause);
      break;
    case EventKind::store_joined:
      spdlog::info("store: {}", event.cause);
      break;
    case EventKind::rejection:
    case EventKind::late_result:
      break;
  }
}

}  // namespace

void TransitionLog::record(const Event& event) {
  log(event);
  const auto transition = transition_of(event);
  if (!transition) return;
  const std::scoped_lock lock(mutex_);
  transitions_.push_back({std::string(event.context), *transition});
  if (transitions_.size() > most_transitions_kept) transitions_.pop_front();
}

std::vector<LoggedTransition> TransitionLog::transitions() const {
  const std::scoped_lock lock(mutex_);
  return {transitions_.begin(), transitions_.end()};
}

}  // namespace cb
