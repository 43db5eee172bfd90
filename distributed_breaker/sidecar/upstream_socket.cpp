#include "distributed_breaker/sidecar/upstream_socket.hpp"

#include <new>

#include "distributed_breaker/sidecar/connection.hpp"

namespace cb {
namespace {

constexpr int longest_poll_ms = 1000;  // libcurl's timers, such as its timeout, end it earlier

}  // namespace

UpstreamSocket::UpstreamSocket(const std::string& url, std::chrono::milliseconds timeout)
    : transfer_(program::HttpRequest{.url = url, .timeout = timeout}), multi_(curl_multi_init()) {
  if (!multi_) throw std::bad_alloc();
#if LIBCURL_VERSION_NUM >= 0x081400
  curl_multi_setopt(multi_.get(), CURLMOPT_QUICK_EXIT, 1L);  // do not wait for a name server that hangs
#endif
  curl_easy_setopt(transfer_.handle(), CURLOPT_CONNECT_ONLY, 1L);
  curl_easy_setopt(transfer_.handle(), CURLOPT_FORBID_REUSE, 0L);  // else it closes the connection at once
  if (curl_multi_add_handle(multi_.get(), transfer_.handle()) != CURLM_OK) throw std::bad_alloc();
}

UpstreamSocket::~UpstreamSocket() { curl_multi_remove_handle(multi_.get(), transfer_.handle()); }

std::optional<program::HttpReply> UpstreamSocket::connect(int stop_fd) {
  const std::optional<CURLcode> code = perform(stop_fd);
  if (!code) return program::HttpReply{.error = Broken(Broken::Cause::stopped).what(), .local_cause = true};
  if (*code == CURLE_OK && descriptor() != CURL_SOCKET_BAD) return std::nullopt;
  curl_multi_remove_handle(multi_.get(), transfer_.handle());  // closes its sockets, from which end() finds the cause
  return transfer_.end(*code == CURLE_OK ? CURLE_COULDNT_CONNECT : *code);
}

int UpstreamSocket::descriptor() const {
  curl_socket_t socket = CURL_SOCKET_BAD;
  curl_easy_getinfo(transfer_.handle(), CURLINFO_ACTIVESOCKET, &socket);
  return socket;
}

// Nothing: the program stops.
std::optional<CURLcode> UpstreamSocket::perform(int stop_fd) {
  for (;;) {
    int running = 0;
    if (curl_multi_perform(multi_.get(), &running) != CURLM_OK) return CURLE_OUT_OF_MEMORY;
    if (running == 0) return result();
    curl_waitfd stop{stop_fd, CURL_WAIT_POLLIN, 0};
    if (curl_multi_poll(multi_.get(), &stop, 1, longest_poll_ms, nullptr) != CURLM_OK) return CURLE_OUT_OF_MEMORY;
    if (stop.revents != 0) return std::nullopt;
  }
}

CURLcode UpstreamSocket::result() {
  int left = 0;
  const CURLMsg* message = curl_multi_info_read(multi_.get(), &left);
  return message != nullptr ? message->data.result : CURLE_OUT_OF_MEMORY;
}

}  // namespace cb
