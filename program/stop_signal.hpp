// A StopSignal turns SIGINT and SIGTERM into something to wait for. Make it first in main(): the signals are blocked in
// the calling thread and in every thread made after it, so that no handler ever runs in the middle of other work.
#pragma once

#include <csignal>

namespace program {

constexpr int interrupted = 130;  // the exit code with which a shell reports a program that Ctrl-C ended

class StopSignal {
 public:
  StopSignal();
  ~StopSignal();
  StopSignal(const StopSignal&) = delete;
  StopSignal& operator=(const StopSignal&) = delete;

  int fd() const { return fd_; }  // readable once a signal has come
  bool requested() const;         // never blocks
  void wait() const;              // blocks until a signal has come

 private:
  int fd_;
  sigset_t before_;
};

}  // namespace program
