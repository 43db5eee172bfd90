// For tests: a live window of two instances that began at a known moment, and what they say.
#pragma once

#include <optional>
#include <string>

#include "load_generator/live/recent_history.hpp"

namespace load {

constexpr int64_t began = 1'763'740'000'000;  // milliseconds since the Unix epoch
inline const WatchedFleet two{{{"", "http://a"}, {"", "http://b"}}, "http://upstream"};

inline InstanceStatus saying(const std::string& name, State state = State::closed) {
  InstanceStatus status;
  status.name = name;
  status.state = state;
  status.store = "memory";
  status.breaker = "unreliable_service";
  return status;
}

inline bool take(LiveWindow& window, size_t target, Offset now, const std::optional<InstanceStatus>& status) {
  return window.take_status(target, {now, began + now / std::chrono::milliseconds(1)}, status);
}

}  // namespace load
