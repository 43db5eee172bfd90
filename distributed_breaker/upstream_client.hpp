// An UpstreamClient calls the upstream's GET /data with one deadline for all of it, and reports what the reply says
// about the upstream. A local cause, such as a process without free descriptors, says nothing about it.
// Thread-safe: every method. `on_local_cause` is called on the calling thread.
// Errors: the constructor throws std::invalid_argument naming the address; a call never throws.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>

#include "distributed_breaker/failure_status.hpp"
#include "distributed_breaker/reporting/call_status.hpp"
#include "program/http/http_client.hpp"
#include "simple_breaker/breaker.hpp"
#include "simple_breaker/policies/health.hpp"

namespace cb {

struct UpstreamReply {
  CallStatus status = CallStatus::exception;  // never blocked
  Outcome outcome = Outcome::failure;
  int http_status = 0;  // 0: no answer
  bool sent = false;    // false: the request cannot have reached the upstream
  bool timed_out = false;
  bool local_cause = false;  // the outcome is ignored
  std::string error{};       // why there was no answer
  std::string body{};
};

// What the reply says about the upstream. `timeout`: of this attempt; `whole`: of an attempt that did not have to wait.
// A timeout is no evidence if queueing and earlier attempts left less than half of `whole`. With half or more the
// upstream was slow enough to blame: otherwise a hung upstream behind a queue would never be detected. (The bulkhead
// sees to it that the attempts at a hung upstream soon have that much time: resilience/time_needed.hpp.)
Outcome outcome_of(const UpstreamReply& reply, std::chrono::milliseconds timeout, std::chrono::milliseconds whole);

class UpstreamClient {
 public:
  using OnLocalCause = std::function<void(const std::string& cause)>;

  // `address`: http://HOST:PORT. `caller` is sent as X-Caller, so that the upstream's ledger can name it.
  UpstreamClient(const std::string& address, const std::string& caller, const FailureStatus& failure_status = {},
                 OnLocalCause on_local_cause = {});

  const std::string& address() const { return address_; }  // http://HOST:PORT

  UpstreamReply call(std::chrono::milliseconds timeout) const;

  // What a reply to any other request says about the upstream; call() judges by the same rules.
  UpstreamReply judge(program::HttpReply reply) const;

  // GET /health. Up: a 2xx or 3xx that does not count as a failure. Down: any other answer, or none. Nothing: it could
  // not be asked, for a local cause.
  std::optional<Health> health(std::chrono::milliseconds timeout) const;

 private:
  program::HttpReply get(const std::string& path, std::chrono::milliseconds timeout) const;
  void blame(program::HttpReply& reply) const;  // decides, and reports, whether it has a local cause
  bool is_failure(int http_status) const { return failure_status_.outcome_of(http_status) == Outcome::failure; }

  const std::string address_;
  const std::string caller_header_;
  const FailureStatus failure_status_;
  const OnLocalCause on_local_cause_;
};

}  // namespace cb
