#include "program/http/http_client.hpp"

#include <curl/curl.h>

#include <algorithm>
#include <memory>
#include <stdexcept>

namespace program {
namespace {

struct CloseHandle {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

struct Body {
  std::string& text;
  size_t largest;
};

size_t append(const char* data, size_t size, size_t count, void* destination) {
  auto& body = *static_cast<Body*>(destination);
  if (body.text.size() + size * count > body.largest) return 0;  // ends the transfer with an error
  body.text.append(data, size * count);
  return size * count;
}

}  // namespace

HttpReply send(const HttpRequest& request) {
  [[maybe_unused]] static const auto initialised = curl_global_init(CURL_GLOBAL_DEFAULT);
  const std::unique_ptr<CURL, CloseHandle> handle(curl_easy_init());
  if (!handle) throw std::runtime_error("out of memory for an HTTP request");
  std::unique_ptr<curl_slist, CloseHandle> headers(curl_slist_append(nullptr, "Connection: close"));
  for (const auto& header : request.headers) headers.reset(curl_slist_append(headers.release(), header.c_str()));
  HttpReply reply;
  Body body{reply.body, request.largest_reply};
  CURL* curl = handle.get();
  curl_easy_setopt(curl, CURLOPT_URL, request.url.c_str());
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, request.protocols);
  curl_easy_setopt(curl, CURLOPT_PROXY, "");
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);  // without it a timeout may use SIGALRM, which is unsafe with threads
  curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS,
                   std::max(1L, static_cast<long>(request.timeout.count())));  // 0 means no timeout
#if LIBCURL_VERSION_NUM >= 0x075700
  curl_easy_setopt(curl, CURLOPT_QUICK_EXIT, 1L);  // do not wait for a name server that hangs
#endif
  curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request.method.c_str());
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, append);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &body);
  if (!request.body.empty()) {
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request.body.data());
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, static_cast<long>(request.body.size()));
  }
  const CURLcode code = curl_easy_perform(curl);
  long status = 0;
  curl_off_t connected_after = 0;
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
  curl_easy_getinfo(curl, CURLINFO_CONNECT_TIME_T, &connected_after);
  reply.connected = connected_after > 0;
  reply.timed_out = code == CURLE_OPERATION_TIMEDOUT;
  if (code == CURLE_OK) {
    reply.status = static_cast<int>(status);
  } else {
    reply.error = curl_easy_strerror(code);
  }
  return reply;
}

}  // namespace program
