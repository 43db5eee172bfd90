// TLS over a connected socket: a TlsClient knows which authorities are trusted, a TlsStream is one session. Nothing
// here waits: each step says what came of it. At least TLS 1.2; the certificate must be good for the host, name or
// address. Thread-safe: a TlsClient. A TlsStream belongs to one thread at a time; the socket outlives it, and is not
// its own. Errors are values: see Step::fault. Source: OpenSSL's manual, ssl(7).
#pragma once

#include <openssl/types.h>

#include <cstddef>
#include <memory>
#include <string>

namespace cb::redis {

// What came of one try to send or receive.
struct Step {
  size_t bytes = 0;
  short wait_for = 0;  // POLLIN or POLLOUT: until then there is nothing to be done
  std::string fault{};
};

class TlsClient {
 public:
  TlsClient();  // trusts whom the system trusts, or SSL_CERT_FILE and SSL_CERT_DIR; throws std::runtime_error
  SSL_CTX* get() const { return context_.get(); }

 private:
  std::unique_ptr<SSL_CTX, void (*)(SSL_CTX*)> context_;
};

class TlsStream {
 public:
  TlsStream(const TlsClient& client, int socket, const std::string& host);
  TlsStream(const TlsStream&) = delete;
  TlsStream& operator=(const TlsStream&) = delete;

  Step shake_hands();  // until it neither waits nor fails
  Step send(const char* data, size_t size);
  Step receive(char* data, size_t size);
  bool has_buffered() const;  // what poll() on the socket no longer sees
  bool has_input();           // there is something to be read, or the session is over

 private:
  Step step_of(int result);
  std::string fault() const;

  const int socket_;
  std::unique_ptr<SSL, void (*)(SSL*)> session_;
};

}  // namespace cb::redis
