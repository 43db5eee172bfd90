#include "program/wake_fd.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace load {

WakeUp::WakeUp() : fd_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  if (fd_ < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
}

WakeUp::~WakeUp() { close(fd_); }

void WakeUp::ring() const { eventfd_write(fd_, 1); }

void WakeUp::hear() const {
  eventfd_t rings = 0;
  eventfd_read(fd_, &rings);
}

}  // namespace load
