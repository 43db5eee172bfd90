// TLS over a connected socket: a TlsClient holds the trusted authorities, a TlsStream is one session. Nothing here
// waits: each step reports its result. TLS 1.2 or newer; the certificate must be valid for the host name or address.
// Thread-safe: a TlsClient. A TlsStream belongs to one thread at a time and does not own its socket, which must outlive
// it. Errors are values: see Step::fault. Source: OpenSSL's manual, ssl(7).
#pragma once

#include <openssl/types.h>

#include <cstddef>
#include <memory>
#include <string>

namespace cb::redis {

// The result of one attempt to send or receive.
struct Step {
  size_t bytes = 0;
  short wait_for = 0;  // POLLIN or POLLOUT: wait for it, then try again
  std::string fault{};
};

// True if errno says that a socket was not ready, or that a signal came: wait, then try again.
bool may_try_again();

class TlsClient {
 public:
  TlsClient();  // trusts the system's authorities, or SSL_CERT_FILE (which must hold some) and SSL_CERT_DIR; throws
                // std::runtime_error
  SSL_CTX* get() const { return context_.get(); }

 private:
  std::unique_ptr<SSL_CTX, void (*)(SSL_CTX*)> context_;
};

class TlsStream {
 public:
  TlsStream(const TlsClient& client, int socket, const std::string& host);
  TlsStream(const TlsStream&) = delete;
  TlsStream& operator=(const TlsStream&) = delete;

  Step shake_hands();  // call it until it neither waits nor fails
  Step send(const char* data, size_t size);
  Step receive(char* data, size_t size);
  bool has_buffered() const;  // data that poll() on the socket does not see
  bool has_input();           // data to read, or the session is over

 private:
  Step step_of(int result);
  std::string fault() const;

  const int socket_;
  std::unique_ptr<SSL, void (*)(SSL*)> session_;
};

}  // namespace cb::redis
