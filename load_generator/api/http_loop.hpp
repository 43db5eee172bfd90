// An HttpLoop makes many GET requests at once on one thread. Each opens a new connection and has one deadline, from
// connect to the last byte; none waits for another. (program::send() makes one request and blocks: a load generator
// that blocked would be slowed down by what it measures.) Not thread-safe. Callbacks run inside wait_until(); they may
// start new requests.
#pragma once

#include <curl/curl.h>

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "program/http/http_client.hpp"
#include "program/http/http_transfer.hpp"

namespace load {

class HttpLoop {
 public:
  using Clock = std::chrono::steady_clock;
  using Done = std::function<void(const program::HttpReply&)>;

  HttpLoop();
  ~HttpLoop();
  HttpLoop(const HttpLoop&) = delete;
  HttpLoop& operator=(const HttpLoop&) = delete;

  void get(const std::string& url, std::chrono::milliseconds timeout, Done done);

  // Returns at `deadline`, or earlier: when data has arrived, or `wake_fd` is readable.
  void wait_until(Clock::time_point deadline, int wake_fd);

  // Drops every request under way; their callbacks never run.
  void abandon();

 private:
  struct Transfer {
    Transfer(const program::HttpRequest& http, Done then) : request(http), done(std::move(then)) {}
    program::HttpTransfer request;
    Done done;
  };

  void arm_timer(Clock::time_point deadline) const;
  void deliver();

  CURLM* multi_;
  int timer_;  // curl waits in whole milliseconds; this is how a call leaves on time
  std::map<CURL*, std::unique_ptr<Transfer>> transfers_;
};

}  // namespace load
