// An HttpServer is cpp-httplib's server with the settings that many small servers need: a port in use is an error, a
// burst of connections is queued, a request's size is bounded, a slow request does not block the others, and the server
// stops within a second. A body needs a Content-Length (else 411) and no Content-Encoding (else 415).
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
  // `workers`: the number of requests served at once. Each connection carries one request, and is closed after a second
  // without any data, so that idle connections do not hold workers. (One that trickles does.)
  explicit HttpServer(size_t workers);
  ~HttpServer() override;  // waits for the serving thread

  // As the library's, for requests that this server has not already rejected.
  void set_pre_routing_handler(HandlerWithResponse handler);

  // Binds; port 0 means any free port. Returns the port. Throws std::invalid_argument if the address makes no sense,
  // and std::runtime_error with address and reason if it cannot be used.
  int bind(const std::string& address, int port);

  // After bind(): limits the unread output that the kernel buffers per client, approximately; by default several MiB.
  void limit_unread(int bytes);

  // Serves until a stop signal; if a request still runs 800 ms later, ends the process. Throws std::runtime_error if
  // the system prevents it from accepting connections. Prints "NAME: listening on http://ADDRESS:PORT" once connections
  // are accepted.
  void serve_until(const StopSignal& stop, const std::string& name);

  // The same in parts, for a program that does more than serve. start() returns once connections are accepted.
  // has_ended(): it accepts no more connections. stop_within() is false if a request still runs after `grace`.
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
