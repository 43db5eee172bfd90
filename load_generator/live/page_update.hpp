// What a page is told of a fleet: a LiveWindow as JSON, in the words that a run's file uses too. Pure.
//   {"from_ms","now_ms","started_at_ms","window_ms","instances","states","transitions","marks","traffic","upstream",
//    "agreement","calls","wasted"}
// In "instances", "network_broken" says whether the upstream drops an instance's calls, by its "dropped_callers"; these
// are names of instances by /status, while "name" may carry a URL so as to be unique. The "calls" of an instance are
// what /status says, and fall when it is started again; the sum beside "agreement" does not.
// Names and causes are text from outside; a page must take them as text.
#pragma once

#include <nlohmann/json.hpp>

#include "load_generator/live/recent_history.hpp"

namespace load {

// What was at `from` or later; whatever a page has of that time is replaced by it.
nlohmann::ordered_json live_frame(const LiveWindow& window, Offset now, Offset from);

}  // namespace load
