// An HttpServer is cpp-httplib's server with the settings that a lab of many small servers needs: a taken port is an
// error, a burst of connections is queued, a request's size is bounded, a slow request does not block the others, and
// the server stops within a second. A body must tell its length (else 411) and come as it is, not packed (else 415).
#pragma once

#include <httplib.h>

#include <chrono>
#include <future>
#include <string>
#include <thread>

#include "program/stop_signal.hpp"

namespace program {

class HttpServer : public httplib::Server {
 public:
  // `workers`: how many requests are worked on at once. Each connection carries one request, and is given up
  // after a second in which nothing comes, so that idle connections do not hold workers. (One that trickles does.)
  explicit HttpServer(size_t workers);
  ~HttpServer() override;  // waits for what was started

  // As the library's, for what this server has not refused already.
  void set_pre_routing_handler(HandlerWithResponse handler);

  // Binds; port 0 takes a free one. Returns the port. Throws std::runtime_error that names address and reason.
  int bind(const std::string& address, int port);

  // After bind(): about how much of its answers the system keeps for a client that does not read; by default up to
  // several MiB.
  void limit_unread(int bytes);

  // Serves until a stop signal; a request still running 800 ms later is abandoned by ending the process. Throws
  // std::runtime_error where the system lets it accept no more connections.
  // Prints "NAME: listening on http://ADDRESS:PORT" once connections are accepted.
  void serve_until(const StopSignal& stop, const std::string& name);

  // The same in parts, for a program that does more than serve. start() returns once connections are accepted;
  // has_ended() says that the system lets it accept no more. stop_within() is false where a request still runs when
  // `grace` is over.
  void start();
  bool has_ended(std::chrono::milliseconds wait = {}) const;
  void stop_accepting();
  bool stop_within(std::chrono::milliseconds grace);

  const std::string& url() const { return url_; }  // http://127.0.0.1:8001

 private:
  std::string url_;
  std::future<void> ended_;
  std::thread server_;
};

// Sends a body as application/json with the given status.
void answer_json(httplib::Response& response, int status, const std::string& body);

}  // namespace program
