// An HttpServer is cpp-httplib's server with the settings that many small servers need: a port in use is an error, a
// burst of connections is queued, a request's size and the time that it may take to arrive are bounded, neither a slow
// client nor a slow handler blocks the others, and the server stops within a second. A body needs a Content-Length
// (else 411) and no Content-Encoding (else 415). Each refusal is JSON, and reaches a client that is still sending.
#pragma once

#include <httplib.h>

#include <chrono>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "program/stop_signal.hpp"

namespace program {

struct ClientConnection;

class HttpServer : public httplib::Server {
 public:
  // `workers`: the number of requests answered at once. Each connection carries one request. No worker is used for it
  // before all of it has arrived.
  explicit HttpServer(size_t workers);
  ~HttpServer() override;  // waits for the serving thread

  // As the library's, for requests that this server has not already rejected.
  void set_pre_routing_handler(HandlerWithResponse handler);

  // Before start(): requests for these paths have separate workers, and are answered while all others wait.
  void reserve_workers_for(std::vector<std::string> paths) { reserved_paths_ = std::move(paths); }

  // Before start(): how long a request may take to arrive, by default 10 s.
  void limit_request_time(std::chrono::milliseconds time) { request_time_ = time; }

  // In a handler: true if the client has closed its side of the connection. It may still wait for the answer.
  static bool client_has_left();

  // Binds; port 0 means any free port. Returns the port. Throws std::invalid_argument if the address makes no sense,
  // and std::runtime_error with address and reason if it cannot be used.
  int bind(const std::string& address, int port);

  // After bind(): limits the unread output that the kernel buffers per client, approximately; by default several MiB.
  void limit_unread(int bytes);

  // Serves until a stop signal. Ends the process if a request still runs 500 ms later, or if the program has not ended
  // after 700 ms. Throws std::runtime_error if the system prevents it from accepting connections. Prints "NAME:
  // listening on http://ADDRESS:PORT" once connections are accepted.
  void serve_until(const StopSignal& stop, const std::string& name);

  // The same in parts, for a program that does more than serve. start() returns once connections are accepted.
  // has_ended(): it accepts no more connections. stop_within() is false if a request still runs after `grace`.
  void start();
  bool has_ended(std::chrono::milliseconds wait = {}) const;
  void stop_accepting();
  bool stop_within(std::chrono::milliseconds grace);

  const std::string& url() const { return url_; }  // http://127.0.0.1:8001

 private:
  class Connections;

  bool process_and_close_socket(socket_t socket) override;
  void answer(const std::shared_ptr<ClientConnection>& client);

  std::vector<std::string> reserved_paths_;
  std::chrono::milliseconds request_time_{10'000};
  Connections* connections_ = nullptr;  // the library's, while it serves
  std::string url_;
  std::future<void> ended_;
  std::thread server_;
};

// Sends a body as application/json with the given status.
void answer_json(httplib::Response& response, int status, const std::string& body);

}  // namespace program
