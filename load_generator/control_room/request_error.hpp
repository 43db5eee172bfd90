// Why the control room does not do what it was asked: an HTTP status, and a sentence for the person at the page.
#pragma once

#include <stdexcept>
#include <string>

namespace load {

struct Refusal {
  int status = 0;
  std::string why;
};

class Refused : public std::runtime_error {
 public:
  Refused(int status, const std::string& why) : std::runtime_error(why), status_(status) {}
  Refusal refusal() const { return {status_, what()}; }

 private:
  const int status_;
};

}  // namespace load
