// A ChildProcess is a program that this one starts and stops. It never outlives this process, not even after kill -9:
// the kernel kills it when the thread that started it ends, so start it from a thread that lives long enough.
// Its output is kept in memory, not in a file. Not thread-safe.
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
  // Starts `arguments[0]`, looked up in PATH. Throws std::system_error if that fails.
  explicit ChildProcess(const std::vector<std::string>& arguments);
  ~ChildProcess();  // stops it, with a grace of two seconds
  ChildProcess(ChildProcess&& other) noexcept;
  ChildProcess& operator=(ChildProcess&&) = delete;

  pid_t pid() const { return pid_; }
  std::string output() const;  // standard output and standard error so far

  // The first line of the output that contains `text`. Throws std::runtime_error, quoting the output, if the child ends
  // before or `timeout` passes.
  std::string wait_for_line(const std::string& text, std::chrono::milliseconds timeout = std::chrono::seconds(10));

  enum class State { running, stopped, ended };
  State state();  // as the kernel has it now; stopped: by SIGSTOP, also from another process

  void send_signal(int signal);  // SIGSTOP, SIGKILL, ...; does nothing once the child has been reaped

  // Waits for the end: the exit code, or 128 + the signal that ended it. Nothing if `timeout` passes first.
  std::optional<int> wait(std::chrono::milliseconds timeout);

  // Sends SIGTERM, and SIGKILL after `grace`. Returns when the child has ended.
  void stop(std::chrono::milliseconds grace);

 private:
  std::string command_;
  pid_t pid_ = -1;
  int output_ = -1;
  std::optional<int> exit_code_;
};

}  // namespace program
