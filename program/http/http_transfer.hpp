// An HttpTransfer is one request as libcurl makes it: its options, what has arrived, and how it ended. It distinguishes
// faults of the server and of the way to it from local causes: no descriptor, no port, no thread, no memory, an answer
// longer than we take.
// Not thread-safe. The handle may be given to curl_easy_perform() or a curl_multi; remove it there before this ends.
// Errors: the constructor throws std::bad_alloc.
#pragma once

#include <curl/curl.h>
#include <sys/socket.h>

#include <map>
#include <memory>
#include <string>

#include "program/http/http_client.hpp"

namespace program {

class HttpTransfer {
 public:
  explicit HttpTransfer(const HttpRequest& request);
  HttpTransfer(const HttpTransfer&) = delete;
  HttpTransfer& operator=(const HttpTransfer&) = delete;

  CURL* handle() const { return handle_.get(); }

  HttpReply end(CURLcode code);  // once, after libcurl has ended it

 private:
  struct Free {
    void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
    void operator()(curl_slist* list) const { curl_slist_free_all(list); }
  };

  // libcurl calls these; `self` is the transfer.
  static size_t append(const char* data, size_t size, size_t count, void* self);
  static size_t count_header(const char* data, size_t size, size_t count, void* self);
  static curl_socket_t open_socket(void* self, curlsocktype purpose, curl_sockaddr* address);
  static int close_socket(void* self, curl_socket_t socket);

  void add_header(const char* header);
  void set_up(const HttpRequest& request);
  int error_number() const;
  std::string local_cause(CURLcode code) const;
  std::string no_connection() const;

  const size_t largest_reply_;
  std::string request_body_;
  std::string body_;
  size_t header_bytes_ = 0;
  const char* refused_ = nullptr;          // why we ended the transfer
  std::map<int, sockaddr_storage> peers_;  // of the open sockets
  int no_socket_ = 0;                      // errno of the last socket() that failed
  bool no_port_ = false;                   // there was a route for one of the sockets, but no port
  bool was_on_the_way_ = false;            // one of the sockets had a port: a packet may have left
  std::unique_ptr<curl_slist, Free> headers_;
  std::unique_ptr<CURL, Free> handle_;  // last: libcurl closes its sockets through the rest
};

}  // namespace program
