#include "load_generator/terminal/key_input.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>

namespace load {

KeyInput::KeyInput(int descriptor) : descriptor_(descriptor) {
  termios mode{};
  // A program in the background must not change the terminal: the kernel would stop it.
  if (tcgetpgrp(descriptor) != getpgrp() || tcgetattr(descriptor, &mode) != 0) return;
  before_ = mode;
  mode.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
  mode.c_cc[VMIN] = 0;  // read() returns at once
  mode.c_cc[VTIME] = 0;
  tcsetattr(descriptor, TCSANOW, &mode);
}

KeyInput::~KeyInput() {
  if (before_) tcsetattr(descriptor_, TCSANOW, &*before_);
}

bool KeyInput::pressed(char key) {
  if (!is_active()) return false;
  std::array<char, 64> keys{};
  const ssize_t count = read(descriptor_, keys.data(), keys.size());
  if (count <= 0) before_.reset();  // otherwise poll() would return at once, again and again
  return count > 0 && std::find(keys.begin(), keys.begin() + count, key) != keys.begin() + count;
}

}  // namespace load
