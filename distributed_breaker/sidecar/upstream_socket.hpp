// An UpstreamSocket is a connection to an upstream that libcurl makes and owns: libcurl looks up the name, tries each
// address, and distinguishes local causes. curl_easy_perform() does so, too, but a stop does not end it: an upstream
// that drops packets, or a name server that hangs, would keep the program running until the timeout.
// Not thread-safe. Errors: the constructor throws std::bad_alloc; any other trouble is in the reply.
#pragma once

#include <curl/curl.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "program/http/http_client.hpp"
#include "program/http/http_transfer.hpp"

namespace cb {

class UpstreamSocket {
 public:
  // `url`: http://HOST:PORT. The timeout, at least 1 ms, is for connecting.
  UpstreamSocket(const std::string& url, std::chrono::milliseconds timeout);
  ~UpstreamSocket();  // closes the connection
  UpstreamSocket(const UpstreamSocket&) = delete;
  UpstreamSocket& operator=(const UpstreamSocket&) = delete;

  // Once. Nothing: it is connected. Ends early, with a local cause, if `stop_fd` is readable.
  std::optional<program::HttpReply> connect(int stop_fd);

  int descriptor() const;  // -1: it is not connected

 private:
  struct CleanUp {
    void operator()(CURLM* multi) const { curl_multi_cleanup(multi); }
  };

  std::optional<CURLcode> perform(int stop_fd);
  CURLcode result();

  program::HttpTransfer transfer_;
  std::unique_ptr<CURLM, CleanUp> multi_;  // keeps the connection as long as the transfer is in it
};

}  // namespace cb
