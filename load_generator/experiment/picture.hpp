// The outcome of an experiment as a learner first sees it: a bar for each design, measured beside expected. Pure.
#pragma once

#include <string>
#include <vector>

#include "load_generator/load/live_lines.hpp"
#include "load_generator/report/run_file.hpp"

namespace load {

enum class Detail { picture, everything };  // picture: and what did not hold

// What there is to draw on.
struct Canvas {
  size_t columns = 80;
  Screen screen = Screen::plain;  // terminal: a bar is green where its expectation held, otherwise red
  std::string square = "#";
};

// Squares where the locale has them; as wide as the terminal, or 80 columns in a pipe.
Canvas canvas_of_standard_output();

// A bar for each of these runs of one scenario, of a square for each call that failed at the upstream. Scenarios that
// expect another count first are drawn by that one. Where the longest bar has no room, a square stands for several.
std::string picture(const std::vector<Summary>& runs, const Canvas& canvas);

// The picture, and each expectation that did not hold; or the picture and the whole comparison.
std::string outcome(const std::vector<Summary>& runs, Detail detail, const Canvas& canvas);

}  // namespace load
