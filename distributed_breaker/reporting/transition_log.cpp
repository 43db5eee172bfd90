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
std::string prefix(const Notice& notice) { return notice.context.empty() ? "" : std::string(notice.context) + ": "; }

void log(const Notice& notice) {
  switch (notice.kind) {
    case NoticeKind::transition:
    case NoticeKind::override:
      spdlog::log(level_of(notice.to), "{}{} > {}: {}", prefix(notice), to_text(notice.from), to_text(notice.to),
                  notice.cause);
      break;
    case NoticeKind::would_have_tripped:
      spdlog::warn("{}would have opened: {}", prefix(notice), notice.cause);
      break;
    case NoticeKind::slow_call:
      spdlog::warn("{}slow call: {}", prefix(notice), notice.cause);
      break;
    case NoticeKind::store_trouble:
      spdlog::warn("store: {}", notice.cause);
      break;
    case NoticeKind::store_joined:
      spdlog::info("store: {}", notice.cause);
      break;
    case NoticeKind::rejection:
    case NoticeKind::late_result:
      break;
  }
}

}  // namespace

void TransitionLog::record(const Notice& notice) {
  log(notice);
  const auto transition = transition_of(notice);
  if (!transition) return;
  const std::scoped_lock lock(mutex_);
  transitions_.push_back({std::string(notice.context), *transition});
  if (transitions_.size() > most_transitions_kept) transitions_.pop_front();
}

std::vector<LoggedTransition> TransitionLog::transitions() const {
  const std::scoped_lock lock(mutex_);
  return {transitions_.begin(), transitions_.end()};
}

}  // namespace cb
