#include "program/http/http_transfer.hpp"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "program/local_cause.hpp"

namespace program {
namespace {

constexpr size_t most_header_bytes = 256 * 1024;  // below libcurl's own limit, whose error does not say what it is
constexpr const char* too_long = "the answer is longer than this client takes";
constexpr const char* no_memory = "out of memory";

// 0 of a socket that was never connected, not even in part: nothing has left this machine.
in_port_t local_port(int socket) {
  sockaddr_storage address{};
  socklen_t length = sizeof address;
  if (getsockname(socket, reinterpret_cast<sockaddr*>(&address), &length) != 0) return 0;
  if (address.ss_family == AF_INET6) return reinterpret_cast<const sockaddr_in6&>(address).sin6_port;
  return address.ss_family == AF_INET ? reinterpret_cast<const sockaddr_in&>(address).sin_port : 0;
}

// Connecting a socket for datagrams sends nothing. Without a descriptor for one: true, as that is a local cause, too.
bool has_route(const sockaddr_storage& peer) {
  const int probe = ::socket(peer.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (probe < 0) return true;
  const bool found = connect(probe, reinterpret_cast<const sockaddr*>(&peer), sizeof peer) == 0;
  close(probe);
  return found;
}

// Empty, if it is not a local cause.
std::string text_of_local(int error_number) { return is_local_cause(error_number) ? errno_text(error_number) : ""; }

// Why this process cannot look up a name at present; 0: it can. A look-up takes a few descriptors and a thread.
int lookup_obstacle() {
  int obstacle = 0;
  std::vector<int> sockets;
  while (sockets.size() < 4 && obstacle == 0) {
    const int socket = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (socket < 0) obstacle = errno;
    if (socket >= 0) sockets.push_back(socket);
  }
  for (const int socket : sockets) close(socket);
  if (obstacle != 0) return obstacle;
  try {
    std::jthread([] {});
  } catch (const std::system_error& error) {
    obstacle = error.code().value();
  }
  return obstacle;
}

}  // namespace

HttpTransfer::HttpTransfer(const HttpRequest& request)
    : largest_reply_(request.largest_reply), request_body_(request.body) {
  [[maybe_unused]] static const auto initialised = curl_global_init(CURL_GLOBAL_DEFAULT);
  add_header("Connection: close");
  for (const auto& header : request.headers) add_header(header.c_str());
  handle_.reset(curl_easy_init());
  if (!handle_) throw std::bad_alloc();
  set_up(request);
}

void HttpTransfer::add_header(const char* header) {
  curl_slist* longer = curl_slist_append(headers_.get(), header);
  if (longer == nullptr) throw std::bad_alloc();
  (void)headers_.release();
  headers_.reset(longer);
}

void HttpTransfer::set_up(const HttpRequest& request) {
  CURL* curl = handle();
  curl_easy_setopt(curl, CURLOPT_URL, request.url.c_str());
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, request.protocols);
  curl_easy_setopt(curl, CURLOPT_PROXY, "");
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);  // without it a timeout may use SIGALRM, which is unsafe with threads
  curl_easy_setopt(curl, CURLOPT_FRESH_CONNECT, 1L);
  curl_easy_setopt(curl, CURLOPT_FORBID_REUSE, 1L);
  curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS,
                   std::max(1L, static_cast<long>(request.timeout.count())));  // 0 means no timeout
#if LIBCURL_VERSION_NUM >= 0x075700
  curl_easy_setopt(curl, CURLOPT_QUICK_EXIT, 1L);  // do not wait for a name server that hangs
#endif
  curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request.method.c_str());
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers_.get());
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, &append);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, this);
  curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, &count_header);
  curl_easy_setopt(curl, CURLOPT_HEADERDATA, this);
  curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, &open_socket);
  curl_easy_setopt(curl, CURLOPT_OPENSOCKETDATA, this);
  curl_easy_setopt(curl, CURLOPT_CLOSESOCKETFUNCTION, &close_socket);
  curl_easy_setopt(curl, CURLOPT_CLOSESOCKETDATA, this);
  if (request_body_.empty()) return;
  curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request_body_.data());
  curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, static_cast<long>(request_body_.size()));
}

size_t HttpTransfer::append(const char* data, size_t size, size_t count, void* self) {
  auto& transfer = *static_cast<HttpTransfer*>(self);
  if (transfer.body_.size() + size * count > transfer.largest_reply_) {
    transfer.refused_ = too_long;
    return 0;  // ends the transfer with an error
  }
  try {
    transfer.body_.append(data, size * count);
  } catch (const std::bad_alloc&) {  // must not reach libcurl, which is C
    transfer.refused_ = no_memory;
    return 0;
  }
  return size * count;
}

size_t HttpTransfer::count_header(const char*, size_t size, size_t count, void* self) {
  auto& transfer = *static_cast<HttpTransfer*>(self);
  transfer.header_bytes_ += size * count;
  if (transfer.header_bytes_ <= most_header_bytes) return size * count;
  transfer.refused_ = too_long;
  return 0;
}

curl_socket_t HttpTransfer::open_socket(void* self, curlsocktype, curl_sockaddr* address) {
  auto& transfer = *static_cast<HttpTransfer*>(self);
  const int socket = ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
  if (socket < 0) {
    transfer.no_socket_ = errno;
  } else {
    sockaddr_storage& peer = transfer.peers_[socket];
    std::memcpy(&peer, &address->addr, std::min<size_t>(address->addrlen, sizeof peer));
  }
  return socket;
}

int HttpTransfer::close_socket(void* self, curl_socket_t socket) {
  auto& transfer = *static_cast<HttpTransfer*>(self);
  const auto peer = transfer.peers_.extract(socket);
  if (local_port(socket) != 0) {
    transfer.was_on_the_way_ = true;
  } else if (peer && has_route(peer.mapped())) {
    transfer.no_port_ = true;
  }
  return close(socket);
}

HttpReply HttpTransfer::end(CURLcode code) {
  long status = 0;
  curl_off_t connected_after = 0;
  curl_easy_getinfo(handle(), CURLINFO_RESPONSE_CODE, &status);
  curl_easy_getinfo(handle(), CURLINFO_CONNECT_TIME_T, &connected_after);
  HttpReply reply;
  reply.body = std::move(body_);
  reply.connected = connected_after > 0;
  if (code == CURLE_OK) {
    reply.status = static_cast<int>(status);
    return reply;
  }
  reply.incomplete_status = static_cast<int>(status);
  reply.timed_out = code == CURLE_OPERATION_TIMEDOUT;
  reply.error = local_cause(code);
  reply.local_cause = !reply.error.empty();
  if (reply.local_cause) return reply;
  reply.error = curl_easy_strerror(code);
  if (const int number = error_number(); number != 0) reply.error += ": " + errno_text(number);
  return reply;
}

// Of the last system call that failed to make a connection; 0: none did.
int HttpTransfer::error_number() const {
  long number = 0;
  curl_easy_getinfo(handle(), CURLINFO_OS_ERRNO, &number);
  return number != 0 ? static_cast<int>(number) : no_socket_;
}

// Empty: it was not a local cause, as far as one can see.
std::string HttpTransfer::local_cause(CURLcode code) const {
  switch (code) {
    case CURLE_WRITE_ERROR:
      return refused_ != nullptr ? refused_ : "";
    case CURLE_OUT_OF_MEMORY:
      return no_memory;
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CERTPROBLEM:
      return curl_easy_strerror(code);
    case CURLE_COULDNT_RESOLVE_HOST:
      return text_of_local(lookup_obstacle());
    case CURLE_COULDNT_CONNECT:
      return no_connection();
    default:
      return "";
  }
}

// A host may have several addresses. One that could not be tried for lack of a descriptor or a port leaves the question
// open, even if another one refused. One without a route does not: machines without IPv6 have none to "localhost".
std::string HttpTransfer::no_connection() const {
  if (is_local_cause(no_socket_)) return errno_text(no_socket_);
  const int number = error_number();
  if (no_port_) return errno_text(is_local_cause(number) ? number : EADDRNOTAVAIL);
  return was_on_the_way_ ? "" : text_of_local(number);
}

}  // namespace program
