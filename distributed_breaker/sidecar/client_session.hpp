// A ClientSession serves one connection of a client: it reads a whole request, makes the call through the instance's
// breaker, and answers with the upstream's answer, or with the instance's own: one with a Proxy-Status field.
// One thread per session. Errors: serve() throws nothing but std::bad_alloc.
#pragma once

#include <string>

#include "distributed_breaker/service_instance.hpp"
#include "distributed_breaker/sidecar/connection.hpp"
#include "distributed_breaker/sidecar/upstream_exchange.hpp"
#include "distributed_breaker/upstream_client.hpp"

namespace cb {

struct SidecarParts {
  std::string name;          // of the instance
  std::string upstream_url;  // http://HOST:PORT
  const UpstreamClient& upstream;
  ServiceInstance& instance;
};

// Readable once the program stops. `idle`: no new request is read; `running`: calls under way are given up, too.
struct StopDescriptors {
  int idle;
  int running;
};

class ClientSession {
 public:
  // All outlive this. The socket is left open.
  ClientSession(const SidecarParts& parts, int socket, StopDescriptors stop);

  void serve();  // until the client has closed, or has to

 private:
  struct Request {
    RequestHead head;
    Framing framing;
    std::string body;
  };

  bool serve_one();
  Request read_request();
  void invite_body(const Request& request, Connection::Time until);
  std::string answer_to(const Request& request);
  std::string forwarded(const Request& request) const;
  std::string own_answer(const CallReport& report, const RequestHead& request) const;
  void refuse(const Refused& refused);

  const SidecarParts& parts_;
  const StopDescriptors stop_;
  const int socket_;
  const std::string client_address_;
  Connection client_;
  UpstreamExchange upstream_;
};

}  // namespace cb
