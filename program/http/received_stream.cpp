#include "program/http/received_stream.hpp"

#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace program {
namespace {

using NameOf = int (*)(int, sockaddr*, socklen_t*);

void name_end_of(int socket, NameOf name_of, std::string& ip, int& port) {
  sockaddr_storage address{};
  socklen_t length = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  std::array<char, NI_MAXHOST> host{};
  std::array<char, NI_MAXSERV> service{};
  if (name_of(socket, generic, &length) != 0 || getnameinfo(generic, length, host.data(), host.size(), service.data(),
                                                            service.size(), NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
    return;
  }
  ip = host.data();
  port = std::stoi(service.data());
}

}  // namespace

// A client that has closed its side may still read.
bool ReceivedStream::is_writable() const {
  pollfd descriptor{socket_, POLLOUT, 0};
  int ready = 0;
  do ready = poll(&descriptor, 1, static_cast<int>(write_timeout_.count()));
  while (ready < 0 && errno == EINTR);
  return ready == 1 && (descriptor.revents & (POLLERR | POLLHUP)) == 0;
}

ssize_t ReceivedStream::read(char* data, size_t size) {
  const size_t count = std::min(size, unread_.size());
  std::copy_n(unread_.begin(), count, data);
  unread_.remove_prefix(count);
  return static_cast<ssize_t>(count);
}

ssize_t ReceivedStream::write(const char* data, size_t size) {
  while (is_writable()) {
    const ssize_t sent = ::send(socket_, data, size, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent >= 0) return sent;
    if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) break;
  }
  return -1;
}

void ReceivedStream::get_remote_ip_and_port(std::string& ip, int& port) const {
  name_end_of(socket_, getpeername, ip, port);
}

void ReceivedStream::get_local_ip_and_port(std::string& ip, int& port) const {
  name_end_of(socket_, getsockname, ip, port);
}

}  // namespace program
