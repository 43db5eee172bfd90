// For tests: the history of two instances, which started at a fixed date, and statuses for them.
#pragma once

#include <algorithm>
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

// Events are as old as their dates say, by a clock that shows start_epoch_ms at offset 0.
inline bool record(RecentHistory& history, size_t target, Offset now, std::optional<InstanceStatus> status) {
  const int64_t now_ms = start_epoch_ms + now / std::chrono::milliseconds(1);
  if (!status) return history.record_status(target, now, status);
  for (auto& each : status->transitions) each.age_ms = std::max<int64_t>(0, now_ms - each.at_epoch_ms);
  for (auto& each : status->notable_calls) each.age_ms = std::max<int64_t>(0, now_ms - each.at_epoch_ms);
  return history.record_status(target, now, status);
}

}  // namespace load
