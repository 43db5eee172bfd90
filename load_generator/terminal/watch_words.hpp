// A FleetSnapshot in words for a terminal. Pure. Text from outside is reduced to printable ASCII, so that it cannot
// command the terminal, and every line is as wide as it looks.
#pragma once

#include <string>
#include <vector>

#include "load_generator/live/fleet_snapshot.hpp"

namespace load {

// At most `most` characters; each that is not printable ASCII becomes a '?'.
std::string terminal_text(const std::string& text, size_t most);

std::string state_in_words(const ObservedInstance& instance);  // open, half-open, no answer

// "3 instances of unreliable_service; upstream http://127.0.0.1:9000: fails 60 %"
std::string title_line(const FleetSnapshot& snapshot);

// Agreement, calls, the upstream's ledger, Redis, and an override if there is one. The last two are those of instances
// that answer; calls are counted as far as they are known.
std::vector<std::string> figure_lines(const FleetSnapshot& snapshot);

// "  12.3 Instance-A: closed -> open, 3 consecutive failures"
std::string transition_line(const std::vector<Target>& targets, const Transition& transition);

}  // namespace load
