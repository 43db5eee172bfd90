// One HTTP request with one deadline for all of it: connecting, sending, waiting and reading. (cpp-httplib's client has
// a timeout for each read, so a server that trickles holds its caller for as long as it likes; libcurl's is for the
// whole.)
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
  size_t largest_reply = 1 << 20;           // bytes of a body; a longer one is an error
  const char* protocols = "http";           // the URL must be of one of them: "http,https"
};

struct HttpReply {
  int status = 0;  // 0: no whole answer arrived, and `error` says why
  std::string body;
  std::string error;
  bool connected = false;  // false: the request cannot have reached the server
  bool timed_out = false;
};

// Opens a connection of its own, never reuses one and ignores proxy settings of the environment. Never throws for what
// the network does. Thread-safe.
HttpReply send(const HttpRequest& request);

}  // namespace program
