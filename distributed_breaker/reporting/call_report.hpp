// A CallReport is what happened to one GET /call. The answer, the counters and the notable calls are made from it.
#pragma once

#include <chrono>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "distributed_breaker/reporting/metrics.hpp"
#include "distributed_breaker/reporting/notable_calls.hpp"
#include "distributed_breaker/resilience/guarded_call.hpp"
#include "distributed_breaker/upstream_client.hpp"
#include "simple_breaker/breaker.hpp"

namespace cb {

// The upstream's reply, and what settling the attempt's permit did.
struct UpstreamAttempt {
  TimePoint sent{};
  UpstreamReply upstream{};
  PermitId permit{};
  Settled settled{};
};

struct CallReport : GuardedReply<UpstreamAttempt> {
  int upstream_calls = 0;  // attempts that may have reached the upstream

  CallStatus status() const;
  std::chrono::milliseconds retry_after() const;  // of a blocked call
  NotableCall notable_call(const std::string& context, TimePoint now) const;
};

// The fields of GET /call after its instance and status. `known`: the breaker's state, for a call without an attempt.
nlohmann::ordered_json call_json(const CallReport& report, State known);

}  // namespace cb
