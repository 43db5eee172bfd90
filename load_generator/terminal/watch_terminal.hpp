// A WatchTerminal draws a screen again and again in the same place, below whatever the terminal showed before, and
// leaves it there. The cursor is hidden meanwhile. Writes the terminal's commands to a stream; not thread-safe.
#pragma once

#include <ostream>
#include <string>
#include <vector>

#include "load_generator/terminal/watch_screen.hpp"

namespace load {

class WatchTerminal {
 public:
  explicit WatchTerminal(std::ostream& out);  // which outlives this object
  ~WatchTerminal();
  WatchTerminal(const WatchTerminal&) = delete;
  WatchTerminal& operator=(const WatchTerminal&) = delete;

  // As the screen was found to be; after another size than before, the lines are drawn below the old ones, which the
  // terminal may have broken anew.
  void draw(const std::vector<std::string>& lines, ScreenSize size);

 private:
  std::ostream& out_;
  size_t drawn_ = 0;  // lines to go up
  ScreenSize size_;
};

// Of standard output, less the line that the cursor stands in; 80 x 24 where it is no terminal.
ScreenSize screen_size();

}  // namespace load
