// Why the control room rejects a request: an HTTP status, and a sentence for the person at the page.
#pragma once

#include <stdexcept>
#include <string>

namespace load {

class RequestError : public std::runtime_error {
 public:
  RequestError(int status, const std::string& sentence) : std::runtime_error(sentence), status_(status) {}
  int status() const { return status_; }

 private:
  const int status_;
};

}  // namespace load
