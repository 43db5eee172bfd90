// One HTTP request with one deadline for all of it: connecting, sending, waiting and reading. (cpp-httplib's client has
// a timeout for each read only, so a server that trickles can hold its caller for hours; libcurl's covers the whole.)
#pragma once

#include <chrono>
#include <string>
#include <vector>

namespace program {

struct HttpRequest {
  std::string method = "GET";
  std::string url{};
  std::vector<std::string> headers{};  // "X-Caller: Instance-A"
  std::string body{};
  std::chrono::milliseconds timeout{1000};  // at least 1 ms
  size_t largest_reply = 1 << 20;           // bytes of a body; a longer body is an error
  const char* protocols = "http";           // the URL must be of one of them: "http,https"
};

struct HttpReply {
  int status = 0;  // 0: no complete answer arrived, and `error` says why
  std::string body{};
  std::string error{};     // "Couldn't connect to server: Connection refused (ECONNREFUSED)"
  bool connected = false;  // false: the request cannot have reached the server
  bool timed_out = false;
  bool local_cause = false;   // this machine or this client is to blame, so it is no evidence about the server
  int incomplete_status = 0;  // of an answer that did not arrive completely; 0: it had not begun
};

// Opens a new connection, never reuses one, and ignores the environment's proxy settings. Never throws because of the
// network or for lack of memory. Thread-safe.
HttpReply send(const HttpRequest& request);

}  // namespace program
