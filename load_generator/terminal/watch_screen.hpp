// A live frame (see live_frame.hpp) as text, for those who have a terminal and no browser. Pure: what is printed when
// is somebody else's business. Names and causes come from outside; of them only printable ASCII gets through, so that
// they cannot command the terminal, and every line has the width that it seems to have.
#pragma once

#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "load_generator/load/live_lines.hpp"

namespace load {

struct ScreenSize {
  size_t columns = 80;
  size_t lines = 24;
};

// The lines of a whole screen, in colours or plain: a lane for each instance, of which a column is a second or two,
// with its marks below it; how far they agree; the books; Redis. No line is wider, and there are no more of them, than
// the screen has.
std::vector<std::string> watch_screen(const nlohmann::ordered_json& frame, ScreenSize size, Screen screen);

// The same for a pipe, as it comes: what the lines mean, a line for the present moment, and a line for each transition
// that was not told before. Bounded: what left the frame's window is forgotten.
class WatchLog {
 public:
  static std::string heading(const nlohmann::ordered_json& frame);
  static std::string moment(const nlohmann::ordered_json& frame);
  std::vector<std::string> new_transitions(const nlohmann::ordered_json& frame);

 private:
  std::set<std::string> told_;
};

}  // namespace load
