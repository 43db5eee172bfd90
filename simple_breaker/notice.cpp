#include "simple_breaker/notice.hpp"

#include <string>
#include <utility>

namespace cb {

std::string_view to_text(NoticeKind kind) {
  switch (kind) {
    case NoticeKind::transition:
      return "transition";
    case NoticeKind::override:
      return "override";
    case NoticeKind::would_have_tripped:
      return "would_have_tripped";
    case NoticeKind::rejection:
      return "rejection";
    case NoticeKind::late_result:
      return "late_result";
    case NoticeKind::slow_call:
      return "slow_call";
    case NoticeKind::store_trouble:
      return "store_trouble";
    case NoticeKind::store_joined:
      return "store_joined";
  }
  return "unknown";
}

std::optional<Transition> transition_of(const Notice& notice) {
  if (notice.kind != NoticeKind::transition && notice.kind != NoticeKind::override) return std::nullopt;
  return Transition{notice.from, notice.to, notice.generation, std::string(notice.cause), notice.at};
}

Listener on_transition(std::function<void(const Transition&)> then) {
  return [then = std::move(then)](const Notice& notice) {
    if (const auto transition = transition_of(notice)) then(*transition);
  };
}

}  // namespace cb
