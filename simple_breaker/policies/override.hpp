// An Override is a person's decision in place of the breaker's: which mode, who requested it, and why.
//
//   forced_open    rejects every call
//   forced_closed  admits every call and never opens; still counts, so that people can see
//   disabled       admits every call and counts nothing
//   metrics_only   admits every call, counts, and reports when it would have opened
//   automatic      the breaker decides; after forced_open it starts with a probe
//   reset          automatic, closed, and all counts cleared (a request, never a lasting mode)
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace cb {

enum class Mode { automatic, forced_open, forced_closed, disabled, metrics_only, reset };

// As in JSON; `automatic` is "auto" there, which is quicker to type.
std::string_view to_text(Mode mode);
std::optional<Mode> mode_from(std::string_view text);

// For the cause of a transition: "forced open".
std::string_view describe(Mode mode);

struct Override {
  Mode mode = Mode::automatic;
  std::string actor;
  std::string reason;
  bool operator==(const Override&) const = default;
};

// One line that names the invalid field; empty: the override is valid. Actor and reason are 1 to 64 and 0 to 200 bytes,
// without control characters; an override lasts from a millisecond to a year, or (0) until further notice.
std::string error_in(const Override& override_, std::chrono::milliseconds lasts);

}  // namespace cb
