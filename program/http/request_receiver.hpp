// A RequestReceiver receives whole requests before a worker is used for them: one thread waits for all clients, so that
// slow or silent ones cost a descriptor and some memory, and never a worker. It also closes connections so that the
// reply arrives: if a socket is closed with unread input, the client's system may discard a reply that is not yet read.
// Bounds: the time for a whole request, the sizes of head and body, the connections that wait (the oldest is closed),
// and the time and the bytes of a closing one.
// Thread-safe: receive() and close().
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>

#include "program/http/request_head.hpp"
#include "program/wake_fd.hpp"

namespace program {

// A client's connection, and what it has sent. The destructor closes the connection.
struct ClientConnection {
  explicit ClientConnection(int accepted) : socket(accepted) {}
  ~ClientConnection();
  ClientConnection(const ClientConnection&) = delete;
  ClientConnection& operator=(const ClientConnection&) = delete;

  bool has_whole_request() const;
  std::string_view request() const;  // without what follows the request

  const int socket;
  std::string input;
  std::optional<RequestHead> head;
  bool is_closing = false;
  size_t discarded = 0;                         // bytes, while it is closing
  std::chrono::steady_clock::time_point until;  // when the wait for it ends
};

class RequestReceiver {
 public:
  struct Limits {
    size_t body;
    std::chrono::milliseconds request_time;
  };
  using Client = std::shared_ptr<ClientConnection>;

  // `deliver` gets each client with a whole request, and those whose request has to be refused: its body is too long,
  // encoded or without a length, or it ended too early. It runs on the thread that read the last byte, and must not
  // block.
  RequestReceiver(Limits limits, std::function<void(Client)> deliver);
  ~RequestReceiver();

  void receive(int socket);          // which this object will close
  void close(const Client& client);  // after the reply
  void stop();                       // closes all that wait, and those that are closed later at once

 private:
  void work(const std::stop_token& stop);
  void wait_for(const Client& client);
  void advance(int socket);
  bool read(ClientConnection& client) const;  // true: nothing more is to be read
  bool is_decided(const ClientConnection& client) const;
  void add(ClientConnection& client, std::string_view part) const;
  void expire();
  bool forget(const Client& client);
  void forget_oldest();  // with mutex_ held

  const Limits limits_;
  const std::function<void(Client)> deliver_;
  const size_t most_waiting_;
  const int epoll_;
  WakeFd stopping_;
  std::mutex mutex_;
  std::map<int, Client> waiting_;  // guarded by mutex_; by socket
  bool stopped_ = false;           // guarded by mutex_
  std::jthread thread_;            // last: it uses the members above
};

}  // namespace program
