// A Certificate is a self-signed certificate with its key, created by openssl for a test, in a folder that is removed
// with this object. Throws std::runtime_error if openssl is missing or fails.
#pragma once

#include <string>
#include <vector>

#include "program/processes/temporary_folder.hpp"

namespace program {

class Certificate {
 public:
  // `names`: the subject's names as openssl writes them: "DNS:localhost,IP:127.0.0.1".
  explicit Certificate(const std::string& names);

  std::string file() const { return folder_.path() / "certificate.pem"; }
  std::vector<std::string> redis_options() const;  // for a redis-server that presents it and requires none of clients

 private:
  std::string key() const { return folder_.path() / "key.pem"; }

  TemporaryFolder folder_;
};

}  // namespace program
