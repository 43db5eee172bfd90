// A FleetSnapshot as text, for a terminal instead of a browser. Pure: the caller prints it. See watch_words.hpp for
// text from outside.
#pragma once

#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "load_generator/live/fleet_snapshot.hpp"
#include "load_generator/load/live_lines.hpp"

namespace load {

struct ScreenSize {
  size_t columns = 80;
  size_t lines = 24;
};

// A whole screen, coloured or plain: a lane for each instance, with a column for each second or two and marks below it;
// agreement, calls, ledger and Redis. Never wider or longer than the screen: below 17 lines the legend is cut first.
// `hint`, a few letters, is about keys.
std::vector<std::string> watch_screen(const FleetSnapshot& snapshot, ScreenSize size, Screen screen,
                                      const std::string& hint = "");

// The same for a pipe, line by line: a heading, a line for the present moment, and one for each new transition.
class WatchLog {
 public:
  static std::string heading(const FleetSnapshot& snapshot);
  static std::string moment(const FleetSnapshot& snapshot);
  // Each transition is returned once. Bounded: those that left the snapshot are forgotten.
  std::vector<std::string> new_transitions(const FleetSnapshot& snapshot);

 private:
  using Identity = std::tuple<Offset, size_t, uint64_t, State, State, std::string>;
  std::set<Identity> printed_;
};

}  // namespace load
