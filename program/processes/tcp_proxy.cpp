#include "program/processes/tcp_proxy.hpp"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>

namespace program {
namespace {

constexpr int look_for_stop_ms = 20;

int open_socket() {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) throw std::system_error(errno, std::generic_category(), "socket");
  return fd;
}

sockaddr_in loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(port));
  return address;
}

void send_at_once(int fd) {
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

}  // namespace

TcpProxy::TcpProxy(int target) : listener_(open_socket()), target_(target) {
  sockaddr_in address = loopback(0);
  socklen_t length = sizeof address;
  const bool listens = bind(listener_, reinterpret_cast<sockaddr*>(&address), length) == 0 &&
                       listen(listener_, 128) == 0 &&
                       getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &length) == 0;
  if (!listens) throw std::system_error(errno, std::generic_category(), "a proxy's socket");
  port_ = ntohs(address.sin_port);
  thread_ = std::jthread([this](const std::stop_token& stop) { work(stop); });
}

TcpProxy::~TcpProxy() {
  thread_.request_stop();
  thread_.join();
  for (const Pair& pair : pairs_) {
    for (const int end : pair.ends) close(end);
  }
  close(listener_);
}

void TcpProxy::lead_to(int target) {
  const std::scoped_lock lock(mutex_);
  target_ = target;
}

void TcpProxy::swallow_everything() {
  const std::scoped_lock lock(mutex_);
  for (Pair& pair : pairs_) pair.is_black_hole = true;
}

void TcpProxy::cut() {
  const std::scoped_lock lock(mutex_);
  target_ = 0;  // no server listens on port 0
  for (Pair& pair : pairs_) {
    pair.is_black_hole = false;
    for (const int end : pair.ends) shutdown(end, SHUT_RDWR);
  }
}

size_t TcpProxy::connections() const {
  const std::scoped_lock lock(mutex_);
  return pairs_.size();
}

void TcpProxy::work(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    std::vector<pollfd> descriptors{{listener_, POLLIN, 0}};
    std::unique_lock lock(mutex_);
    for (const Pair& pair : pairs_) {
      const short events = pair.is_black_hole ? 0 : POLLIN;
      for (const int end : pair.ends) descriptors.push_back({pair.is_black_hole ? -1 : end, events, 0});
    }
    lock.unlock();
    poll(descriptors.data(), descriptors.size(), look_for_stop_ms);
    lock.lock();
    std::vector<Pair> open;
    for (size_t i = 0; i < pairs_.size(); ++i) {
      bool is_open = true;
      for (size_t from : {0, 1}) {
        if (descriptors[1 + 2 * i + from].revents != 0) is_open = is_open && forward(pairs_[i], from);
      }
      if (is_open) open.push_back(pairs_[i]);
      if (!is_open) std::for_each(pairs_[i].ends.begin(), pairs_[i].ends.end(), [](int end) { close(end); });
    }
    pairs_ = std::move(open);
    if (descriptors[0].revents != 0) accept_one();
  }
}

void TcpProxy::accept_one() {
  const int client = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
  const int server = open_socket();
  const sockaddr_in address = loopback(target_);
  if (client < 0 || connect(server, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    close(client);
    close(server);
    return;
  }
  send_at_once(client);
  send_at_once(server);
  pairs_.push_back({{client, server}});
}

bool TcpProxy::forward(const Pair& pair, size_t from) {
  if (pair.is_black_hole) return true;
  std::array<char, 65536> buffer;
  const auto size = recv(pair.ends[from], buffer.data(), buffer.size(), MSG_DONTWAIT);
  if (size < 0) return errno == EAGAIN;
  for (ssize_t sent = 0; sent < size;) {
    const auto count = send(pair.ends[1 - from], buffer.data() + sent, static_cast<size_t>(size - sent), MSG_NOSIGNAL);
    if (count < 0) return false;
    sent += count;
  }
  return size > 0;
}

}  // namespace program
