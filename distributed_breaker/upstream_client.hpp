// An UpstreamClient calls the flaky upstream's GET /data, under one deadline, and says what became of the call, and
// what that says about the upstream.
// Thread-safe: every method. Errors: the constructor throws std::invalid_argument naming the address; a call never
// throws.
#pragma once

#include <chrono>
#include <string>

#include "distributed_breaker/failure_status.hpp"
#include "simple_breaker/breaker.hpp"
#include "simple_breaker/policies/health.hpp"

namespace cb {

struct UpstreamReply {
  enum class Kind { success, failure, exception };  // failure: an error; exception: no answer in time, no connection
  Kind kind = Kind::exception;
  Outcome outcome = Outcome::failure;
  int http_status = 0;  // 0: no answer
  bool sent = false;    // false: the request cannot have reached the upstream
  bool timed_out = false;
  std::string error{};  // why there was no answer
  std::string body{};
};

class UpstreamClient {
 public:
  // `address`: http://HOST:PORT. `caller` goes along as X-Caller, so that the upstream can say who called it.
  UpstreamClient(const std::string& address, const std::string& caller, const FailureStatus& failure_status = {});

  UpstreamReply call(std::chrono::milliseconds at_most) const;

  // What GET /health says. No answer is ill; so is a status that counts as a failure.
  Health health(std::chrono::milliseconds at_most) const;

 private:
  const std::string address_;
  const std::string caller_header_;
  const FailureStatus failure_status_;
};

}  // namespace cb
