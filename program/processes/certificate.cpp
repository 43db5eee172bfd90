#include "program/processes/certificate.hpp"

#include <stdexcept>

#include "program/processes/child_process.hpp"

namespace program {

Certificate::Certificate(const std::string& names) {
  ChildProcess openssl({"openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-days", "2", "-subj", "/CN=lab", "-addext", "subjectAltName=" + names, "-keyout", key(),
                        "-out", file()});
  if (openssl.wait(std::chrono::seconds(10)) != 0) throw std::runtime_error("openssl req: " + openssl.output());
}

std::vector<std::string> Certificate::redis_options() const {
  return {"--tls-cert-file", file(), "--tls-key-file", key(), "--tls-ca-cert-file", file(), "--tls-auth-clients", "no"};
}

}  // namespace program
