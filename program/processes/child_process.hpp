// A ChildProcess is a program that this one starts and ends: nothing else ever ends it, and it never outlives us, not
// even after kill -9 (the kernel then ends it for us; so start children from a thread that lives as long as they
// should). Its output is kept in memory, not in a file. Not thread-safe.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <csignal>
#include <optional>
#include <string>
#include <vector>

namespace program {

class ChildProcess {
 public:
  // Starts `arguments[0]`, looked up in PATH. Throws std::system_error where that fails.
  explicit ChildProcess(const std::vector<std::string>& arguments);
  ~ChildProcess();  // SIGTERM, and SIGKILL two seconds later
  ChildProcess(ChildProcess&& other) noexcept;
  ChildProcess& operator=(ChildProcess&&) = delete;

  pid_t pid() const { return pid_; }
  std::string output() const;  // standard output and standard error so far

  // The first line of the output that contains `text`. Throws std::runtime_error, quoting the output, where the child
  // ends first or `timeout` passes.
  std::string wait_for_line(const std::string& text, std::chrono::milliseconds timeout = std::chrono::seconds(10));

  void send_signal(int signal);  // SIGSTOP, SIGKILL, ...; nothing once the child has been reaped

  // Waits for the end: the exit code, or 128 + the signal that ended it. Nothing where `timeout` passes first.
  std::optional<int> wait(std::chrono::milliseconds timeout);

 private:
  std::string command_;
  pid_t pid_ = -1;
  int output_ = -1;
  std::optional<int> exit_code_;
};

}  // namespace program
