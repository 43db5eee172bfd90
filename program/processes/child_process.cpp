#include "program/processes/child_process.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <stdexcept>
#include <system_error>
#include <thread>
#include <utility>

namespace program {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::milliseconds child_poll_interval{2};

// Between fork and exec: only calls that are safe there. Through the pipe the parent learns why exec failed.
[[noreturn]] void become(char* const* arguments, int output, int failure, pid_t parent) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(127);  // the parent died before the line above
  setpgid(0, 0);  // a terminal's Ctrl-C is for the parent, which stops its children when it is done with them
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  dup2(open("/dev/null", O_RDONLY), STDIN_FILENO);
  dup2(output, STDOUT_FILENO);
  dup2(output, STDERR_FILENO);
  execvp(arguments[0], arguments);
  const int reason = errno;
  [[maybe_unused]] const auto written = write(failure, &reason, sizeof reason);
  _exit(127);
}

// The letter after the name in /proc/PID/stat; the name is in parentheses, and may have some too.
char state_letter(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string line;
  std::getline(file, line);
  const auto at = line.rfind(") ");
  return at == std::string::npos || at + 2 >= line.size() ? '?' : line[at + 2];
}

}  // namespace

ChildProcess::ChildProcess(const std::vector<std::string>& arguments) : command_(arguments.at(0)) {
  std::vector<char*> raw;
  for (const auto& argument : arguments) raw.push_back(const_cast<char*>(argument.c_str()));
  raw.push_back(nullptr);
  int failure[2];
  if (pipe2(failure, O_CLOEXEC) != 0) throw std::system_error(errno, std::generic_category(), "pipe");
  output_ = memfd_create("output", MFD_CLOEXEC);
  fcntl(output_, F_SETFL, O_APPEND);
  const pid_t parent = getpid();
  pid_ = fork();
  if (pid_ == 0) become(raw.data(), output_, failure[1], parent);
  close(failure[1]);
  int reason = pid_ < 0 ? errno : 0;
  if (pid_ > 0 && read(failure[0], &reason, sizeof reason) > 0) wait(std::chrono::seconds(1));
  close(failure[0]);
  if (reason != 0) {
    close(output_);
    throw std::system_error(reason, std::generic_category(), "cannot start " + command_);
  }
}

ChildProcess::ChildProcess(ChildProcess&& other) noexcept
    : command_(std::move(other.command_)),
      pid_(std::exchange(other.pid_, -1)),
      output_(std::exchange(other.output_, -1)),
      exit_code_(other.exit_code_) {}

ChildProcess::~ChildProcess() {
  if (pid_ > 0) stop(std::chrono::seconds(2));
  if (output_ >= 0) close(output_);
}

std::string ChildProcess::output() const {
  struct stat file {};
  fstat(output_, &file);
  std::string text(static_cast<size_t>(file.st_size), '\0');
  const auto got = pread(output_, text.data(), text.size(), 0);
  text.resize(got < 0 ? 0 : static_cast<size_t>(got));
  return text;
}

std::string ChildProcess::wait_for_line(const std::string& text, std::chrono::milliseconds timeout) {
  const auto deadline = Clock::now() + timeout;
  while (true) {
    const bool ended = wait(std::chrono::milliseconds(0)).has_value();  // before the output is read: nothing follows it
    const std::string all = output();
    if (const auto at = all.find(text); at != std::string::npos) {
      if (const auto end = all.find('\n', at); end != std::string::npos) {
        const auto start = all.rfind('\n', at) + 1;  // npos + 1 is 0
        return all.substr(start, end - start);
      }
    }
    if (ended) throw std::runtime_error(command_ + " ended before it printed '" + text + "':\n" + all);
    if (Clock::now() > deadline) throw std::runtime_error(command_ + " did not print '" + text + "' in time:\n" + all);
    std::this_thread::sleep_for(child_poll_interval);
  }
}

ChildProcess::State ChildProcess::state() {
  if (wait(std::chrono::milliseconds(0))) return State::ended;
  return state_letter(pid_) == 'T' ? State::stopped : State::running;
}

void ChildProcess::send_signal(int signal) {
  if (pid_ > 0 && !exit_code_) kill(pid_, signal);
}

void ChildProcess::stop(std::chrono::milliseconds grace) {
  send_signal(SIGCONT);
  send_signal(SIGTERM);
  if (wait(grace)) return;
  send_signal(SIGKILL);
  wait(std::chrono::seconds(2));
}

std::optional<int> ChildProcess::wait(std::chrono::milliseconds timeout) {
  const auto deadline = Clock::now() + timeout;
  while (!exit_code_) {
    int status = 0;
    const pid_t reaped = waitpid(pid_, &status, WNOHANG);
    if (reaped == pid_) {
      exit_code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    } else if (reaped < 0 && errno != EINTR) {
      exit_code_ = 127;
    } else if (Clock::now() >= deadline) {
      return std::nullopt;
    } else {
      std::this_thread::sleep_for(child_poll_interval);
    }
  }
  return exit_code_;
}

}  // namespace program
