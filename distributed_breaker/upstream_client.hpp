// An UpstreamClient calls the flaky upstream's GET /data, under one deadline, and says what became of the call.
// Thread-safe: every method. Errors: the constructor throws std::invalid_argument naming the address; a call never
// throws.
#pragma once

#include <chrono>
#include <string>

#include "simple_breaker/breaker.hpp"

namespace cb {

struct UpstreamReply {
  enum class Kind { success, failure, exception };  // exception: no answer in time, or no connection
  Kind kind = Kind::exception;
  int http_status = 0;  // 0: no answer
  bool sent = false;    // false: the request cannot have reached the upstream
  std::string error;    // why there was no answer
};

// An error and a missing answer both say that the upstream is ill.
constexpr Outcome outcome_of(UpstreamReply::Kind kind) {
  return kind == UpstreamReply::Kind::success ? Outcome::success : Outcome::failure;
}

class UpstreamClient {
 public:
  // `address`: http://HOST:PORT. `caller` goes along as X-Caller, so that the upstream can say who called it.
  UpstreamClient(const std::string& address, const std::string& caller, std::chrono::milliseconds call_timeout);

  UpstreamReply call() const;

 private:
  const std::string url_;
  const std::string caller_header_;
  const std::chrono::milliseconds call_timeout_;
};

}  // namespace cb
