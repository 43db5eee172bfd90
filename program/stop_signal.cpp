#include "program/stop_signal.hpp"

#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace program {
namespace {

bool readable(int fd, int timeout_ms) {
  pollfd descriptor{fd, POLLIN, 0};
  return poll(&descriptor, 1, timeout_ms) == 1;
}

}  // namespace

StopSignal::StopSignal() : fd_(-1), before_{} {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, &before_);
  fd_ = signalfd(-1, &signals, SFD_CLOEXEC);
  if (fd_ < 0) throw std::system_error(errno, std::generic_category(), "signalfd");
}

StopSignal::~StopSignal() {
  close(fd_);
  // A signal that has been handled must not end the process now that the mask is lifted.
  timespec at_once{0, 0};
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  while (sigtimedwait(&signals, nullptr, &at_once) > 0) {
  }
  pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

bool StopSignal::requested() const { return readable(fd_, 0); }

void StopSignal::wait() const {
  while (!readable(fd_, -1)) {
  }
}

}  // namespace program
