// For tests: a TcpProxy is a loopback address that leads to a server, and can lead to another one from some moment on
// (a moved virtual address), become a black hole for the connections that exist (a firewall that forgot them), or end
// all connections and refuse new ones (a killed server). Thread-safe: every method. Throws std::system_error if no
// socket can be opened.
#pragma once

#include <array>
#include <mutex>
#include <thread>
#include <vector>

namespace program {

class TcpProxy {
 public:
  explicit TcpProxy(int target);  // a port of 127.0.0.1
  ~TcpProxy();
  TcpProxy(const TcpProxy&) = delete;
  TcpProxy& operator=(const TcpProxy&) = delete;

  int port() const { return port_; }
  void lead_to(int target);    // new connections; the others stay where they are
  void swallow_everything();   // what existing connections send; new ones work, and none is closed
  void cut();                  // ends what exists, and what connects until lead_to() is called
  size_t connections() const;  // that exist

 private:
  struct Pair {
    std::array<int, 2> ends;  // the client's, the server's
    bool is_black_hole = false;
  };

  void work(const std::stop_token& stop);
  void accept_one();
  static bool forward(const Pair& pair, size_t from);  // false: closed

  const int listener_;
  int port_ = 0;
  mutable std::mutex mutex_;
  int target_;               // guarded by mutex_
  std::vector<Pair> pairs_;  // guarded by mutex_
  std::jthread thread_;
};

}  // namespace program
