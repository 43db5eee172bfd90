// Keys need a terminal: here, a pseudo-terminal whose other end the test holds.
#include "load_generator/terminal/key_input.hpp"

#include <doctest/doctest.h>
#include <poll.h>
#include <pty.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <string>

#include "load_generator/tests/seen_for_test.hpp"

using namespace load;

namespace {

// `load_generator watch` of nothing, in a terminal of 80 x 24.
class WatchInTerminal {
 public:
  WatchInTerminal() {
    winsize size{24, 80, 0, 0};
    pid_ = forkpty(&terminal_, nullptr, nullptr, &size);
    if (pid_ != 0) return;
    execl(LAB_BIN_DIR "/load_generator", "load_generator", "watch", "--targets", "http://127.0.0.1:1", "--upstream",
          "http://127.0.0.1:1", nullptr);
    _exit(127);
  }
  ~WatchInTerminal() {
    if (pid_ > 0) kill(pid_, SIGKILL), waitpid(pid_, nullptr, 0);
    close(terminal_);
  }
  WatchInTerminal(const WatchInTerminal&) = delete;
  WatchInTerminal& operator=(const WatchInTerminal&) = delete;

  const std::string& wait_for(const std::string& part) {
    REQUIRE(comes_true([&] { return read_some(), has(screen_, part); }));
    return screen_;
  }
  void press(char key) { REQUIRE(write(terminal_, &key, 1) == 1); }
  int exit_code() {
    int status = 0;
    REQUIRE(comes_true([&] { return read_some(), waitpid(pid_, &status, WNOHANG) == pid_; }));
    read_some();
    pid_ = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
  const std::string& screen() const { return screen_; }
  bool echoes_and_waits_for_enter() const {
    termios mode{};
    REQUIRE(tcgetattr(terminal_, &mode) == 0);
    return (mode.c_lflag & ICANON) != 0 && (mode.c_lflag & ECHO) != 0;
  }

 private:
  void read_some() {
    std::array<char, 4096> part{};
    pollfd output{terminal_, POLLIN, 0};
    while (poll(&output, 1, 0) > 0) {
      const ssize_t count = read(terminal_, part.data(), part.size());
      if (count <= 0) return;
      screen_.append(part.data(), static_cast<size_t>(count));
    }
  }

  int terminal_ = -1;
  pid_t pid_ = -1;
  std::string screen_;
};

}  // namespace

TEST_CASE("q leaves watch as Ctrl-C does: exit code 0, the cursor back, and the terminal as before") {
  for (const char key : {'q', '\003'}) {
    WatchInTerminal watch;
    watch.wait_for("q: quit");
    CHECK_FALSE(watch.echoes_and_waits_for_enter());
    watch.press('x');  // another key changes nothing
    watch.press(key);
    CHECK(watch.exit_code() == 0);
    CHECK(watch.screen().ends_with("\033[0m\033[?25h"));
    CHECK(watch.echoes_and_waits_for_enter());
  }
}

TEST_CASE("a pipe and the terminal of another session are not read") {
  int ends[2], shown = -1, terminal = -1;
  REQUIRE(pipe(ends) == 0);
  REQUIRE(write(ends[1], "q", 1) == 1);
  KeyInput pipe_input(ends[0]);
  CHECK_FALSE(pipe_input.is_active());
  CHECK(pipe_input.fd() == -1);
  CHECK_FALSE(pipe_input.pressed('q'));
  REQUIRE(openpty(&shown, &terminal, nullptr, nullptr, nullptr) == 0);
  KeyInput of_another_session(terminal);
  CHECK_FALSE(of_another_session.is_active());
  for (const int each : {ends[0], ends[1], shown, terminal}) close(each);
}
