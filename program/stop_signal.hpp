// A StopSignal turns SIGINT and SIGTERM into a descriptor that becomes readable. Create it first in main(): it blocks
// the signals in the calling thread and in every thread created afterwards, so no handler ever interrupts other work.
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

  int fd() const { return fd_; }  // readable once a signal has arrived
  bool requested() const;         // never blocks
  void wait() const;              // blocks until a signal has arrived

 private:
  int fd_;
  sigset_t before_;
};

}  // namespace program
