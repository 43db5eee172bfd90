#include "simple_breaker/event.hpp"

#include <string>
#include <utility>

namespace cb {

std::string_view to_text(EventKind kind) {
  switch (kind) {
    case EventKind::transition:
      return "transition";
    case EventKind::override:
      return "override";
    case EventKind::would_have_tripped:
      return "would_have_tripped";
    case EventKind::rejection:
      return "rejection";
    case EventKind::late_result:
      return "late_result";
    case EventKind::slow_call:
      return "slow_call";
    case EventKind::store_trouble:
      return "store_trouble";
    case EventKind::store_joined:
      return "store_joined";
  }
  return "unknown";
}

std::optional<Transition> transition_of(const Event& event) {
  if (event.kind != EventKind::transition && event.kind != EventKind::override) return std::nullopt;
  return Transition{event.from, event.to, event.generation, std::string(event.cause), event.at};
}

Listener on_transition(std::function<void(const Transition&)> then) {
  return [then = std::move(then)](const Event& event) {
    if (const auto transition = transition_of(event)) then(*transition);
  };
}

}  // namespace cb
