// How a user's call ended.
#pragma once

#include <array>
#include <string_view>

namespace cb {

// failure: the upstream answered an error. exception: no answer in time, or no connection. blocked: nothing was sent.
enum class CallStatus { success, failure, exception, blocked };

inline constexpr std::array call_statuses{CallStatus::success, CallStatus::failure, CallStatus::exception,
                                          CallStatus::blocked};

constexpr std::string_view to_text(CallStatus status) {
  constexpr std::array<std::string_view, 4> names{"success", "failure", "exception", "blocked"};
  return names[static_cast<size_t>(status)];
}

}  // namespace cb
