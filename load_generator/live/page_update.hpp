// A FleetSnapshot as the JSON that the page draws, with the field names of a run's file. Pure.
//   {"from_ms","now_ms","started_at_ms","window_ms","instances","states","transitions","marks","traffic","upstream",
//    "agreement","calls","wasted"}
// "network_broken" of an instance: the upstream drops its calls. Its "dropped_callers" are names as in /status, while
// "name" carries the URL where two instances have one name. The "calls" of an instance are those of its /status, and
// fall when it is restarted; the sum beside "agreement" does not. "asked_ms" of the upstream: when it was asked for its
// fault, which began then or later if it is a new one. The control room adds what it knows of processes.
#pragma once

#include <nlohmann/json.hpp>

#include "load_generator/live/fleet_snapshot.hpp"

namespace load {

// What happened at `from` or later: it replaces what a page has of that time.
nlohmann::ordered_json page_update(const FleetSnapshot& snapshot, Offset from);

}  // namespace load
