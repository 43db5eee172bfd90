#include "load_generator/control_room/browser_tests/relay_for_test.hpp"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>

namespace load {
namespace {

constexpr int milliseconds_between_looks = 5;  // at whether it was cut

sockaddr_in loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

int require(int result, const char* what) {
  if (result < 0) throw std::system_error(errno, std::generic_category(), what);
  return result;
}

int new_socket() { return require(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket"); }

int listen_somewhere() {
  const int listener = new_socket();
  const sockaddr_in address = loopback(0);
  require(bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address), "bind");
  require(listen(listener, 64), "listen");
  return listener;
}

std::string url_of(int listener) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  require(getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size), "getsockname");
  return "http://127.0.0.1:" + std::to_string(ntohs(address.sin_port));
}

// Whether there may be more to come.
bool hand_on(int from, int to) {
  std::array<char, 65536> bytes;
  const auto got = recv(from, bytes.data(), bytes.size(), 0);
  if (got <= 0) return false;
  for (ssize_t done = 0; done < got;) {
    const auto sent = send(to, bytes.data() + done, static_cast<size_t>(got - done), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    done += sent;
  }
  return true;
}

}  // namespace

Relay::Relay(const std::string& server)
    : server_port_(std::stoi(server.substr(server.rfind(':') + 1))),
      listener_(listen_somewhere()),
      url_(url_of(listener_)),
      thread_([this](const std::stop_token& stop) { run(stop); }) {}

Relay::~Relay() {
  thread_.request_stop();
  thread_.join();
  close_all();
  close(listener_);
}

void Relay::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    if (cut_) close_all();
    std::vector<pollfd> looked_at{{listener_, POLLIN, 0}};
    for (const Connection& each : connections_) {
      looked_at.push_back({each.client, POLLIN, 0});
      looked_at.push_back({each.server, POLLIN, 0});
    }
    if (poll(looked_at.data(), looked_at.size(), milliseconds_between_looks) <= 0) continue;
    std::vector<Connection> open;
    for (size_t i = 0; i < connections_.size(); ++i) {
      const auto [client, server] = connections_[i];
      const bool goes_on = (looked_at[2 * i + 1].revents == 0 || hand_on(client, server)) &&
                           (looked_at[2 * i + 2].revents == 0 || hand_on(server, client));
      if (goes_on) open.push_back(connections_[i]);
      if (!goes_on) close(client), close(server);
    }
    connections_ = open;
    if (looked_at[0].revents != 0) accept_one();
  }
}

void Relay::accept_one() {
  const int client = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
  if (client < 0) return;
  const int server = cut_ ? -1 : new_socket();
  const sockaddr_in address = loopback(server_port_);
  if (server >= 0 && connect(server, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
    connections_.push_back({client, server});
    return;
  }
  if (server >= 0) close(server);
  close(client);
}

void Relay::close_all() {
  for (const Connection& each : connections_) close(each.client), close(each.server);
  connections_.clear();
}

}  // namespace load
