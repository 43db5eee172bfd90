// A ServiceInstance is one server of a fleet: each GET /call becomes at most one call of the upstream, if the breaker
// lets it. It is the same whatever stands behind Breaker: stage 2 puts one in memory there, stage 3 one in Redis.
// Thread-safe: every method; the routes run on the server's workers.
#pragma once

#include <httplib.h>

#include <array>
#include <atomic>
#include <nlohmann/json.hpp>
#include <string>

#include "distributed_breaker/transition_log.hpp"
#include "distributed_breaker/upstream_client.hpp"
#include "simple_breaker/breaker.hpp"
#include "simple_breaker/policy.hpp"

namespace cb {

struct InstanceIdentity {
  std::string name;     // Instance-A
  std::string breaker;  // unreliable_service
  Policy policy;        // shown in GET /status
};

class ServiceInstance {
 public:
  // What is given here outlives the instance.
  ServiceInstance(InstanceIdentity identity, Breaker& breaker, const UpstreamClient& upstream,
                  const TransitionLog& transitions);

  void add_routes(httplib::Server& server);  // GET /call, /status, /health

 private:
  enum CallStatus : size_t { success, failure, exception, blocked };

  void call(httplib::Response& response);
  void make_call(Permit permit, httplib::Response& response);
  void refuse(const Rejection& rejection, httplib::Response& response);
  nlohmann::ordered_json status();

  const InstanceIdentity identity_;
  Breaker& breaker_;
  const UpstreamClient& upstream_;
  const TransitionLog& transitions_;
  std::array<std::atomic<uint64_t>, 4> calls_{};
  std::atomic<int> probes_in_flight_{0};
};

}  // namespace cb
