#include "redis_breaker/redis/tls.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <string>

namespace cb::redis {
namespace {

int socket_of(BIO* bio) { return *static_cast<const int*>(BIO_get_data(bio)); }

int send_to_socket(BIO* bio, const char* data, int size) {
  BIO_clear_retry_flags(bio);
  const auto count = ::send(socket_of(bio), data, static_cast<size_t>(size), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (count < 0 && may_try_again()) BIO_set_retry_write(bio);
  return static_cast<int>(count);
}

int receive_from_socket(BIO* bio, char* data, int size) {
  BIO_clear_retry_flags(bio);
  errno = 0;
  const auto count = recv(socket_of(bio), data, static_cast<size_t>(size), MSG_DONTWAIT);
  if (count < 0 && may_try_again()) BIO_set_retry_read(bio);
  return static_cast<int>(count);
}

long control(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

// OpenSSL's socket BIO may raise SIGPIPE, and blocks if the socket does.
BIO_METHOD* make_socket_method() {
  BIO_METHOD* method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "socket");
  BIO_meth_set_write(method, send_to_socket);
  BIO_meth_set_read(method, receive_from_socket);
  BIO_meth_set_ctrl(method, control);
  return method;
}

BIO* bio_over(const int& socket) {
  static BIO_METHOD* const method = make_socket_method();
  BIO* bio = BIO_new(method);
  BIO_set_data(bio, const_cast<int*>(&socket));
  BIO_set_init(bio, 1);
  return bio;
}

// An address must stand in the certificate as an address; a name is also sent, for servers with several certificates.
void expect(SSL* session, const std::string& host) {
  if (X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(session), host.c_str()) == 1) return;
  SSL_set_hostflags(session, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  if (SSL_set1_host(session, host.c_str()) != 1) throw std::runtime_error("TLS: out of memory");
  SSL_set_tlsext_host_name(session, host.c_str());
}

// Why the file cannot be read; empty: it can.
std::string fault_of(const char* path) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path, "r"), std::fclose);
  if (!file) return std::strerror(errno);
  const bool is_empty = std::fgetc(file.get()) == EOF;
  if (std::ferror(file.get()) != 0) return std::strerror(errno);  // a folder
  return is_empty ? "it is empty" : "";
}

// OpenSSL ignores a file that it cannot read, and then trusts no server.
void require_authorities(SSL_CTX* context) {
  const char* path = std::getenv(X509_get_default_cert_file_env());
  if (path == nullptr) return;
  std::string fault = fault_of(path);
  if (fault.empty() && SSL_CTX_load_verify_locations(context, path, nullptr) != 1) {
    fault = "it holds no certificate in PEM form";
  }
  ERR_clear_error();
  if (!fault.empty())
    throw std::runtime_error(std::string("TLS: SSL_CERT_FILE cannot be read: ") + path + ": " + fault);
}

}  // namespace

bool may_try_again() { return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR; }

TlsClient::TlsClient() : context_(SSL_CTX_new(TLS_client_method()), SSL_CTX_free) {
  const bool is_set_up = context_ && SSL_CTX_set_min_proto_version(context_.get(), TLS1_2_VERSION) == 1 &&
                         SSL_CTX_set_default_verify_paths(context_.get()) == 1;
  if (!is_set_up) throw std::runtime_error("TLS cannot be set up");
  require_authorities(context_.get());
  SSL_CTX_set_verify(context_.get(), SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_mode(context_.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
}

TlsStream::TlsStream(const TlsClient& client, int socket, const std::string& host)
    : socket_(socket), session_(SSL_new(client.get()), SSL_free) {
  if (!session_) throw std::runtime_error("TLS: out of memory");
  BIO* bio = bio_over(socket_);
  SSL_set_bio(session_.get(), bio, bio);
  expect(session_.get(), host);
}

Step TlsStream::shake_hands() {
  ERR_clear_error();
  return step_of(SSL_connect(session_.get()));
}

Step TlsStream::send(const char* data, size_t size) {
  ERR_clear_error();
  size_t bytes = 0;
  const int result = SSL_write_ex(session_.get(), data, size, &bytes);
  return result == 1 ? Step{.bytes = bytes} : step_of(result);
}

Step TlsStream::receive(char* data, size_t size) {
  ERR_clear_error();
  size_t bytes = 0;
  const int result = SSL_read_ex(session_.get(), data, size, &bytes);
  return result == 1 ? Step{.bytes = bytes} : step_of(result);
}

bool TlsStream::has_buffered() const { return SSL_pending(session_.get()) > 0; }

// Bytes on the socket may be TLS's, such as a session ticket, and not application data.
bool TlsStream::has_input() {
  ERR_clear_error();
  char byte = 0;
  size_t bytes = 0;
  const int result = SSL_peek_ex(session_.get(), &byte, 1, &bytes);
  return result == 1 || SSL_get_error(session_.get(), result) != SSL_ERROR_WANT_READ;
}

Step TlsStream::step_of(int result) {
  if (result == 1) return {};
  const int reason = errno;
  switch (SSL_get_error(session_.get(), result)) {
    case SSL_ERROR_WANT_READ:
      return {.wait_for = POLLIN};
    case SSL_ERROR_WANT_WRITE:
      return {.wait_for = POLLOUT};
    case SSL_ERROR_ZERO_RETURN:
      return {.fault = "connection closed"};
    case SSL_ERROR_SYSCALL:
      return {.fault = reason == 0 ? "connection closed" : std::strerror(reason)};
    default:
      return {.fault = fault()};
  }
}

std::string TlsStream::fault() const {
  const long verdict = SSL_get_verify_result(session_.get());
  if (verdict != X509_V_OK) {
    return std::string("the server's certificate is not accepted: ") + X509_verify_cert_error_string(verdict);
  }
  const char* reason = ERR_reason_error_string(ERR_peek_error());
  return std::string("TLS: ") + (reason == nullptr ? "protocol error" : reason);
}

}  // namespace cb::redis
