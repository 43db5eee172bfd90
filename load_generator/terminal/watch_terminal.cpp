#include "load_generator/terminal/watch_terminal.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

namespace load {

WatchTerminal::WatchTerminal(std::ostream& out) : out_(out) { out_ << "\033[?25l"; }

WatchTerminal::~WatchTerminal() { out_ << "\033[0m\033[?25h" << std::flush; }

void WatchTerminal::draw(const std::vector<std::string>& lines, ScreenSize size) {
  if (drawn_ > 0 && size.columns == size_.columns && size.lines == size_.lines) out_ << "\033[" << drawn_ << "A\r";
  // Erase before writing: after a line as wide as the screen, it would erase the last character.
  for (const std::string& line : lines) out_ << "\033[2K" << line << "\n";
  out_ << "\033[J" << std::flush;
  drawn_ = lines.size();
  size_ = size;
}

ScreenSize screen_size() {
  winsize size{};
  ScreenSize found;
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) found = {size.ws_col, size.ws_row};
  if (found.lines > 1) --found.lines;
  return found;
}

}  // namespace load
