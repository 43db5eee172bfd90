// For tests: the history of two instances, which started at a fixed date, and statuses for them.
#pragma once

#include <optional>
#include <string>

#include "load_generator/live/recent_history.hpp"

namespace load {

constexpr int64_t start_epoch_ms = 1'763'740'000'000;
inline const WatchedFleet two_instances{{{"", "http://a"}, {"", "http://b"}}, "http://upstream"};

inline InstanceStatus status_of(const std::string& name, State state = State::closed) {
  InstanceStatus status;
  status.name = name;
  status.state = state;
  status.store = "memory";
  status.breaker = "unreliable_service";
  return status;
}

inline bool record(RecentHistory& history, size_t target, Offset now, const std::optional<InstanceStatus>& status) {
  return history.record_status(target, {now, start_epoch_ms + now / std::chrono::milliseconds(1)}, status);
}

}  // namespace load
