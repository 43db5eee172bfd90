// A Certificate is a key and a certificate of its own authority, made by openssl for a test, in a folder that ends with
// this object. Throws std::runtime_error where openssl is missing or refuses.
#pragma once

#include <string>
#include <vector>

#include "program/processes/temporary_folder.hpp"

namespace program {

class Certificate {
 public:
  // `names`: whom it is for, as openssl writes it: "DNS:localhost,IP:127.0.0.1".
  explicit Certificate(const std::string& names);

  std::string file() const { return folder_.path() / "certificate.pem"; }
  std::vector<std::string> redis_options() const;  // for a redis-server that shows it, and asks clients for none

 private:
  std::string key() const { return folder_.path() / "key.pem"; }

  TemporaryFolder folder_;
};

}  // namespace program
