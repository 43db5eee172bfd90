// Both ends of a sidecar, byte by byte: a client and an upstream that read and write plain sockets. They share no code
// with what they test.
#pragma once

#include <netinet/in.h>
#include <poll.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <list>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace cb {

inline sockaddr_in loopback_address(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

// One end of a TCP connection. Reading and writing throw std::runtime_error after 20 s, and reading at the end.
class RawSocket {
 public:
  explicit RawSocket(int descriptor) : descriptor_(descriptor) {
    const timeval patience{20, 0};
    setsockopt(descriptor_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(descriptor_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  }
  explicit RawSocket(const std::string& url) : RawSocket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const sockaddr_in address = loopback_address(std::stoi(url.substr(url.rfind(':') + 1)));
    if (connect(descriptor_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
      throw std::runtime_error("cannot connect to " + url);
    }
  }
  ~RawSocket() { close(descriptor_); }
  RawSocket(const RawSocket&) = delete;
  RawSocket& operator=(const RawSocket&) = delete;

  void write(std::string_view text) {
    while (!text.empty()) {
      const ssize_t sent = ::send(descriptor_, text.data(), text.size(), MSG_NOSIGNAL);
      if (sent <= 0) throw std::runtime_error("cannot write");
      text.remove_prefix(static_cast<size_t>(sent));
    }
  }
  void end_output() { shutdown(descriptor_, SHUT_WR); }
  void close_with_reset() {  // by linger, as a crashed process's system would
    const linger none{1, 0};
    setsockopt(descriptor_, SOL_SOCKET, SO_LINGER, &none, sizeof none);
  }

  // Up to and with `end`.
  std::string read_until(std::string_view end) {
    size_t found = input_.find(end);
    while (found == std::string::npos) {
      if (!receive()) throw std::runtime_error("closed after '" + input_ + "'");
      found = input_.find(end);
    }
    return take(found + end.size());
  }
  std::string read(size_t size) {
    while (input_.size() < size) {
      if (!receive()) throw std::runtime_error("closed in a body");
    }
    return take(size);
  }
  std::string read_to_end() {
    while (receive()) {
    }
    return take(input_.size());
  }
  bool has_input() {  // or its end
    pollfd descriptor{descriptor_, POLLIN, 0};
    return !input_.empty() || poll(&descriptor, 1, 0) == 1;
  }

 private:
  bool receive() {
    std::string buffer(65536, '\0');
    const ssize_t got = recv(descriptor_, buffer.data(), buffer.size(), 0);
    if (got < 0) throw std::runtime_error("cannot read");
    input_.append(buffer, 0, static_cast<size_t>(got));
    return got > 0;
  }
  std::string take(size_t size) {
    std::string taken = input_.substr(0, size);
    input_.erase(0, size);
    return taken;
  }

  const int descriptor_;
  std::string input_;
};

using RawFields = std::vector<std::pair<std::string, std::string>>;

struct RawMessage {
  std::string start;
  RawFields fields;
  std::string body;
  bool operator==(const RawMessage&) const = default;
};

inline std::string field(const RawMessage& message, const std::string& name) {  // HAProxy writes names in lower case
  for (const auto& [other, value] : message.fields) {
    if (strcasecmp(other.c_str(), name.c_str()) == 0) return value;
  }
  return "";
}

inline RawMessage read_raw_head(RawSocket& socket) {
  std::string head = socket.read_until("\r\n\r\n");
  RawMessage message{head.substr(0, head.find("\r\n")), {}, ""};
  for (size_t at = message.start.size() + 2; head.compare(at, 2, "\r\n") != 0;) {
    const size_t colon = head.find(": ", at), end = head.find("\r\n", at);
    message.fields.emplace_back(head.substr(at, colon - at), head.substr(colon + 2, end - colon - 2));
    at = end + 2;
  }
  return message;
}

// A message as the sidecar writes it: with Content-Length, or without a body.
inline RawMessage read_raw(RawSocket& socket) {
  RawMessage message = read_raw_head(socket);
  const std::string length = field(message, "Content-Length");
  if (!length.empty()) message.body = socket.read(std::stoul(length));
  return message;
}

// A socket that listens on a free port of the loopback.
struct RawListener {
  explicit RawListener(int backlog) : descriptor(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address = loopback_address(0);
    socklen_t length = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    if (bind(descriptor, generic, length) != 0 || listen(descriptor, backlog) != 0) throw std::runtime_error("no port");
    getsockname(descriptor, generic, &length);
    port = ntohs(address.sin_port);
  }
  ~RawListener() { close(descriptor); }
  RawListener(const RawListener&) = delete;
  RawListener& operator=(const RawListener&) = delete;

  std::string host() const { return "127.0.0.1:" + std::to_string(port); }
  std::string url() const { return "http://" + host(); }

  const int descriptor;
  int port = 0;
};

// Calls `serve` with each connection, on a thread for each, and closes it afterwards.
class RawUpstream {
 public:
  using Serve = std::function<void(RawSocket&)>;

  explicit RawUpstream(Serve serve) : serve_(std::move(serve)) {}
  ~RawUpstream() {
    shutdown(listener_.descriptor, SHUT_RDWR);  // ends accept()
    acceptor_.join();
    threads_.clear();
  }
  RawUpstream(const RawUpstream&) = delete;
  RawUpstream& operator=(const RawUpstream&) = delete;

  std::string host() const { return listener_.host(); }
  std::string url() const { return listener_.url(); }
  int connections() const { return connections_; }

 private:
  void accept_all() {
    const int listener = listener_.descriptor;
    for (int socket = accept(listener, nullptr, nullptr); socket >= 0; socket = accept(listener, nullptr, nullptr)) {
      ++connections_;
      threads_.emplace_back([this, socket] {
        RawSocket connection(socket);
        try {
          serve_(connection);
        } catch (const std::runtime_error&) {  // the sidecar has closed it
        }
      });
    }
  }

  const Serve serve_;
  const RawListener listener_{64};
  std::atomic<int> connections_{0};
  std::list<std::jthread> threads_;
  std::jthread acceptor_{[this] { accept_all(); }};  // last: it uses the rest
};

// An upstream to which no connection can be made: it accepts none, its queue is full, so its system drops each SYN.
class FullUpstream {
 public:
  FullUpstream() {
    while (!is_full()) {
      if (clients_.size() == 16) throw std::runtime_error("the queue does not fill");
    }
  }

  std::string url() const { return listener_.url(); }

 private:
  // Connects once more. A connection that finds room in the queue is made at once, on the loopback.
  bool is_full() {
    const int client = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    clients_.emplace_back(client);
    const sockaddr_in address = loopback_address(listener_.port);
    connect(client, reinterpret_cast<const sockaddr*>(&address), sizeof address);
    pollfd descriptor{client, POLLOUT, 0};
    return poll(&descriptor, 1, 200) == 0;
  }

  const RawListener listener_{0};
  std::list<RawSocket> clients_;
};

}  // namespace cb
