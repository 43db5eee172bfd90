// A ServiceInstance is one server of a fleet: each GET /call becomes one call of the upstream, if the breaker lets it
// (or none, or a few, where retries, a bulkhead and the like stand round it). It is the same whatever stands behind
// Breaker: stage 2 puts one in memory there, stage 3 one in Redis.
// Thread-safe: every method; the routes run on the server's workers.
#pragma once

#include <httplib.h>

#include <array>
#include <atomic>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "distributed_breaker/registry/breaker_registry.hpp"
#include "distributed_breaker/reporting/metrics.hpp"
#include "distributed_breaker/reporting/notable_calls.hpp"
#include "distributed_breaker/reporting/transition_log.hpp"
#include "distributed_breaker/resilience/guarded_call.hpp"
#include "distributed_breaker/upstream_client.hpp"
#include "program/http/admin_access.hpp"
#include "simple_breaker/breaker.hpp"
#include "simple_breaker/policy.hpp"

namespace cb {

struct InstanceSettings {
  std::string name;          // Instance-A
  std::string breaker_name;  // unreliable_service
  Policy policy;
  CallPolicy call_policy;
  std::chrono::milliseconds call_timeout{1000};
  FailureStatus failure_status;
  size_t max_breakers = 0;
};

// What an instance works with, and does not own.
struct InstanceParts {
  BreakerRegistry& breakers;
  const UpstreamClient& upstream;
  const TransitionLog& transitions;
  Metrics& metrics;
  const program::AdminAccess& admin;
};

class ServiceInstance {
 public:
  // `parts` outlive the instance.
  ServiceInstance(InstanceSettings settings, InstanceParts parts);

  // GET /call, /status, /health, /metrics and PUT /breaker/override; ?tenant=NAME says whose breaker is meant.
  void add_routes(httplib::Server& server);

 private:
  struct MadeCall;
  using Reply = GuardedReply<MadeCall>;

  void call(const httplib::Request& request, httplib::Response& response);
  Attempt<MadeCall> attempt(ManagedBreaker& breaker, std::chrono::milliseconds at_most, int& upstream_calls);
  Outcome outcome_of(const UpstreamReply& reply, std::chrono::milliseconds at_most) const;
  void answer(const ManagedBreaker& breaker, const Reply& reply, int upstream_calls, std::chrono::microseconds took,
              httplib::Response& response);
  void note_if_notable(const std::string& context, const Reply& reply, int upstream_calls);
  static CallStatus status_of(const Reply& reply);
  static std::chrono::milliseconds retry_after(const Reply& reply);
  static nlohmann::ordered_json refused_json(const Reply& reply, State state);
  static nlohmann::ordered_json made_json(const MadeCall& made);
  void status(const httplib::Request& request, httplib::Response& response);
  void apply_override(const httplib::Request& request, httplib::Response& response);
  std::optional<std::string> tenant_of(const httplib::Request& request, httplib::Response& response) const;
  // The tenant, or nobody in particular, who has no breaker of its own.
  std::string context_of(const std::string& tenant, const ManagedBreaker& breaker) const;
  nlohmann::ordered_json breaker_json(const std::string& tenant, ManagedBreaker& breaker);
  nlohmann::ordered_json call_json() const;

  const InstanceSettings settings_;
  const InstanceParts parts_;
  GuardedCall guarded_;
  std::array<std::atomic<uint64_t>, 4> calls_{};  // by CallStatus
  NotableCalls notable_calls_;
  std::atomic<int> probes_in_flight_{0};
};

}  // namespace cb
