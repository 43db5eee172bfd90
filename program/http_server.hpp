// An HttpServer is cpp-httplib's server with the settings that a lab of many small servers needs: a taken port is an
// error, a burst of connections is queued, a request's size is bounded, a slow request does not block the others, and
// the server stops within a second.
#pragma once

#include <httplib.h>

#include <string>

#include "program/stop_signal.hpp"

namespace program {

class HttpServer : public httplib::Server {
 public:
  // `workers`: how many requests are worked on at once. Each connection carries one request, and is given up
  // after a second in which nothing comes, so that idle connections do not hold workers. (One that trickles does.)
  explicit HttpServer(size_t workers);

  // Binds; port 0 takes a free one. Returns the port. Throws std::runtime_error that names address and reason.
  int bind(const std::string& address, int port);

  // Serves until a stop signal; a request still running 800 ms later is abandoned by ending the process. Throws
  // std::runtime_error where the system lets it accept no more connections.
  // Prints "NAME: listening on http://ADDRESS:PORT" once connections are accepted.
  void serve_until(const StopSignal& stop, const std::string& name);

 private:
  std::string url_;
};

// Sends a body as application/json with the given status.
void answer_json(httplib::Response& response, int status, const std::string& body);

}  // namespace program
