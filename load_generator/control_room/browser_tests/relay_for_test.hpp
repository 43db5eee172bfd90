// For tests: a Relay stands between a page and its server and hands on what either sends, until it is cut: then every
// connection ends, and new ones end at once, as where a network breaks. Its own thread; methods from the thread that
// made it.
#pragma once

#include <atomic>
#include <string>
#include <thread>
#include <vector>

namespace load {

class Relay {
 public:
  explicit Relay(const std::string& server);  // http://127.0.0.1:PORT. Throws std::system_error
  ~Relay();
  Relay(const Relay&) = delete;
  Relay& operator=(const Relay&) = delete;

  const std::string& url() const { return url_; }
  void cut() { cut_ = true; }
  void mend() { cut_ = false; }

 private:
  struct Connection {
    int client = -1;
    int server = -1;
  };

  void run(const std::stop_token& stop);
  void accept_one();
  void close_all();

  const int server_port_;
  const int listener_;
  const std::string url_;
  std::atomic<bool> cut_ = false;
  std::vector<Connection> connections_;  // of the thread
  std::jthread thread_;                  // last: it uses the rest
};

}  // namespace load
