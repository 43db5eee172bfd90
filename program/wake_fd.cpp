#include "program/wake_fd.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace cb::net {

WakeFd::WakeFd() : fd_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  if (fd_ < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
}

WakeFd::~WakeFd() { close(fd_); }

void WakeFd::notify() const { eventfd_write(fd_, 1); }

void WakeFd::clear() const {
  eventfd_t notifications = 0;
  eventfd_read(fd_, &notifications);
}

}  // namespace cb::net
