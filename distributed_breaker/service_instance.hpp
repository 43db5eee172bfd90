// A ServiceInstance is one server of a fleet: GET /call calls the upstream, if the breaker permits it, inside the
// protections of a GuardedCall. It does not depend on where the breaker keeps its state: in memory in stage 2, in Redis
// in stage 3.
// Thread-safe: every method; the routes run on the server's workers.
#pragma once

#include <httplib.h>

#include <array>
#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "distributed_breaker/registry/breaker_registry.hpp"
#include "distributed_breaker/reporting/call_report.hpp"
#include "distributed_breaker/reporting/local_errors.hpp"
#include "distributed_breaker/reporting/metrics.hpp"
#include "distributed_breaker/reporting/notable_calls.hpp"
#include "distributed_breaker/reporting/transition_log.hpp"
#include "distributed_breaker/resilience/guarded_call.hpp"
#include "distributed_breaker/upstream_client.hpp"
#include "program/http/admin_access.hpp"
#include "simple_breaker/circuit_breaker.hpp"
#include "simple_breaker/policies/managed_breaker.hpp"
#include "simple_breaker/policy.hpp"

namespace program {
class HttpServer;
}

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

// What an instance uses and does not own.
struct InstanceParts {
  BreakerRegistry& breakers;
  const UpstreamClient& upstream;
  const TransitionLog& transitions;
  const LocalErrors& local_errors;
  Metrics& metrics;
  const program::AdminAccess& admin;
  Clock clock = steady_wall_clock;  // the breakers', so that all dates of a status are by one clock
};

class ServiceInstance {
 public:
  // `parts` outlive the instance.
  ServiceInstance(InstanceSettings settings, InstanceParts parts);

  // Whatever sends a request to the upstream, and judges the reply.
  using Send = std::function<UpstreamReply(std::chrono::milliseconds timeout)>;

  // A call by `send`, if the common breaker permits it, inside the same protections as GET /call and counted with them.
  CallReport call(const Send& send);

  // What GET /call answers: the upstream's answer is in none of it.
  struct Answer {
    int http_status;
    std::string retry_after;  // in whole seconds; empty unless the call was blocked
    std::string body;         // JSON
  };
  Answer answer_to(const CallReport& report) const;

  // GET /call, /status, /health, /metrics and PUT /breaker/override; ?tenant=NAME selects a tenant's breaker.
  // All but /call are answered while all workers wait for the upstream.
  void add_routes(program::HttpServer& server);

 private:
  // The breaker that a request is for. `context` is empty for the common breaker, which a tenant shares if there is no
  // room for its own.
  struct Target {
    std::string tenant;
    std::string context;
    std::shared_ptr<ManagedBreaker> breaker;
  };

  // Calls and overrides create a tenant's breaker; reading creates nothing.
  using Lookup = std::shared_ptr<ManagedBreaker> (*)(BreakerRegistry&, const std::string& context);

  // std::nullopt: the tenant's name is not valid, and the response says so.
  std::optional<Target> target_of(const httplib::Request& request, httplib::Response& response, Lookup lookup) const;

  void call(const httplib::Request& request, httplib::Response& response);
  CallReport call(const Target& target, const Send& send);
  AttemptOutcome<UpstreamAttempt> attempt(ManagedBreaker& breaker, const Send& send, std::chrono::milliseconds timeout,
                                          int& upstream_calls);
  Answer answer_to(const CallReport& report, State known) const;
  void status(const httplib::Request& request, httplib::Response& response);
  nlohmann::ordered_json breaker_json_of(const Target& target) const;
  nlohmann::ordered_json breakers_json() const;
  nlohmann::ordered_json call_settings_json() const;
  void apply_override(const httplib::Request& request, httplib::Response& response);

  const InstanceSettings settings_;
  const InstanceParts parts_;
  const std::chrono::milliseconds attempt_timeout_;  // of an attempt that did not have to wait
  GuardedCall guarded_;
  std::array<std::atomic<uint64_t>, 4> calls_{};  // by CallStatus
  NotableCalls notable_calls_;
  std::atomic<int> probes_in_flight_{0};
};

}  // namespace cb
