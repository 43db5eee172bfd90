// A WatchTerminal draws each screen over the one before, below the earlier contents of the terminal. The last screen
// stays. The cursor is hidden until the end. Writes control sequences to a stream; not thread-safe.
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

  // After a change of `size` the lines are drawn below the old ones, which the terminal may have wrapped differently.
  void draw(const std::vector<std::string>& lines, ScreenSize size);

 private:
  std::ostream& out_;
  size_t drawn_ = 0;  // lines to go up
  ScreenSize size_;
};

// Of standard output, less the cursor's line; 80 x 24 if it is not a terminal.
ScreenSize screen_size();

}  // namespace load
