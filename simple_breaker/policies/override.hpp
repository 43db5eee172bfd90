// An Override is a person's word against the breaker's own judgement: who, why, and until when.
//
//   forced_open    rejects every call
//   forced_closed  admits every call and never opens; still counts, for people to see
//   disabled       admits every call and counts nothing
//   metrics_only   admits every call, counts, and says when it would have opened
//   automatic      the breaker judges for itself; after forced_open it begins with a probe
//   reset          automatic, closed, and nothing counted (an order, never a lasting mode)
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cb {

enum class Mode { automatic, forced_open, forced_closed, disabled, metrics_only, reset };

// As in JSON; `automatic` is written "auto", as nobody wants to type the rest.
std::string_view to_text(Mode mode);
std::optional<Mode> mode_from(std::string_view text);

// As in a cause: "forced open".
std::string_view describe(Mode mode);

struct Override {
  Mode mode = Mode::automatic;
  std::string actor;
  std::string reason;
  bool operator==(const Override&) const = default;
};

// What makes no sense, as one line that names the field; empty: all is well. Actor and reason are 1 to 64 and 0 to 200
// bytes, without control characters; an override lasts from a millisecond to a year, or (0) until further notice.
std::string error_in(const Override& order, std::chrono::milliseconds lasts);

}  // namespace cb
