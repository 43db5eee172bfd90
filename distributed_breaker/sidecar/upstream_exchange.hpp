// An UpstreamExchange sends requests to one upstream, one at a time, on a connection that it keeps for the next, and
// reports how each one ended, so that it can be judged by the rules of GET /call. One deadline covers all of it, from
// connecting to the last byte of the answer.
// A kept connection is used again within a second, while few servers would close it. Should it turn out to be closed
// without a byte of an answer, then a request that may be repeated is sent on a new one, and another one's failure says
// nothing about the upstream.
// Not thread-safe. Errors: exchange() throws std::bad_alloc; any other trouble is in the reply.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "distributed_breaker/sidecar/connection.hpp"
#include "distributed_breaker/sidecar/http_message.hpp"
#include "distributed_breaker/sidecar/upstream_socket.hpp"
#include "program/http/http_client.hpp"

namespace cb {

struct UpstreamRequest {
  std::string method;
  std::string text;  // head and body
};

struct UpstreamResponse {
  ResponseHead head;
  std::string body;
};

// `reply` without the body; `response`: nothing, if no complete one arrived.
struct Exchanged {
  program::HttpReply reply;
  std::optional<UpstreamResponse> response{};
};

class UpstreamExchange {
 public:
  // `url`: http://HOST:PORT. stop_fd: as of a Connection.
  UpstreamExchange(std::string url, int stop_fd) : url_(std::move(url)), stop_fd_(stop_fd) {}

  Exchanged exchange(const UpstreamRequest& request, std::chrono::milliseconds timeout);

 private:
  using Time = Connection::Time;

  struct Link {
    std::unique_ptr<UpstreamSocket> owner;
    Connection connection;
    Time used{};
  };

  bool may_use_again() const;
  std::optional<program::HttpReply> connect(Time until);  // nothing: it is connected
  Exchanged on_this_link(const UpstreamRequest& request, Time until);
  UpstreamResponse transfer(const UpstreamRequest& request, Time until);
  UpstreamResponse receive(const std::string& method, Time until);

  const std::string url_;
  const int stop_fd_;
  std::optional<Link> link_;
  int incomplete_status_ = 0;           // of the answer that is being received
  bool was_closed_while_idle_ = false;  // nothing came back; only possible if the link was used before
};

}  // namespace cb
