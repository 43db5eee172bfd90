// A KeyInput reads single keys from a terminal, without waiting for Enter and without showing them. Ctrl-C still sends
// SIGINT. The terminal gets its old mode back at the end. Not thread-safe.
#pragma once

#include <termios.h>

#include <optional>

namespace load {

class KeyInput {
 public:
  explicit KeyInput(int descriptor);  // not a terminal, or another program's at present: no key ever comes
  ~KeyInput();
  KeyInput(const KeyInput&) = delete;
  KeyInput& operator=(const KeyInput&) = delete;

  bool is_active() const { return before_.has_value(); }
  int fd() const { return is_active() ? descriptor_ : -1; }  // readable when a key was pressed; poll() ignores -1

  // True if `key` is among the keys pressed since the last call. Never blocks. Call it when fd() is readable: where it
  // then has nothing to read, the terminal is gone, and no further key comes.
  bool pressed(char key);

 private:
  const int descriptor_;
  std::optional<termios> before_;
};

}  // namespace load
