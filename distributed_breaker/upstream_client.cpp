#include "distributed_breaker/upstream_client.hpp"

#include <utility>

#include "program/address.hpp"
#include "program/http/http_client.hpp"

namespace cb {
Outcome outcome_of(const UpstreamReply& reply, std::chrono::milliseconds timeout, std::chrono::milliseconds whole) {
  return reply.timed_out && timeout < whole / 2 ? Outcome::ignored : reply.outcome;
}

UpstreamClient::UpstreamClient(const std::string& address, const std::string& caller,
                               const FailureStatus& failure_status, OnLocalCause on_local_cause)
    : address_(net::http_address("upstream", address)),
      caller_header_("X-Caller: " + caller),
      failure_status_(failure_status),
      on_local_cause_(std::move(on_local_cause)) {}

UpstreamReply UpstreamClient::call(std::chrono::milliseconds timeout) const { return judge(get("/data", timeout)); }

UpstreamReply UpstreamClient::judge(program::HttpReply reply) const {
  blame(reply);
  if (reply.local_cause) {
    return {.outcome = Outcome::ignored, .sent = reply.connected, .local_cause = true, .error = reply.error};
  }
  if (reply.status == 0) return {.sent = reply.connected, .timed_out = reply.timed_out, .error = reply.error};
  const Outcome outcome = failure_status_.outcome_of(reply.status);
  return {.status = outcome == Outcome::success ? CallStatus::success : CallStatus::failure,
          .outcome = outcome,
          .http_status = reply.status,
          .sent = true,
          .body = std::move(reply.body)};
}

std::optional<Health> UpstreamClient::health(std::chrono::milliseconds timeout) const {
  program::HttpReply reply = get("/health", timeout);
  blame(reply);
  if (reply.local_cause) return std::nullopt;
  const bool well = reply.status >= 200 && reply.status < 400 && !is_failure(reply.status);
  return well ? Health::up : Health::down;
}

program::HttpReply UpstreamClient::get(const std::string& path, std::chrono::milliseconds timeout) const {
  return program::send({.url = address_ + path, .headers = {caller_header_}, .timeout = timeout});
}

void UpstreamClient::blame(program::HttpReply& reply) const {
  if (!reply.local_cause) return;
  if (is_failure(reply.incomplete_status)) {  // whatever kept us from reading the rest, the upstream has failed
    reply.local_cause = false;
    reply.status = reply.incomplete_status;
    return;
  }
  reply.error = "local cause: " + reply.error;
  if (on_local_cause_) on_local_cause_(reply.error);
}

}  // namespace cb
