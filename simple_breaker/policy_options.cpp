#include "simple_breaker/policy_options.hpp"

#include "program/options.hpp"

namespace cb {

void add_policy_options(CLI::App& app, Policy& policy) {
  app.add_option("--failure-threshold", policy.failure_threshold, "Failures in a row that open the circuit")
      ->capture_default_str();
  program::add_duration(app, "--recovery-timeout", policy.recovery_timeout,
                        "How long an open circuit rejects before it lets a probe through");
  app.add_option("--permitted-calls-in-half-open", policy.permitted_calls_in_half_open,
                 "Probes that may be under way at once")
      ->capture_default_str();
  app.add_option("--success-threshold", policy.success_threshold, "Probes that must succeed before the circuit closes")
      ->capture_default_str();
  program::add_duration(app, "--probe-timeout", policy.probe_timeout,
                        "How long a probe holds its slot; keep it above the longest call");
}

}  // namespace cb
