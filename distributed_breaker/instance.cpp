#include "distributed_breaker/instance.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <stdexcept>
#include <string_view>

#include "distributed_breaker/failure_status.hpp"
#include "distributed_breaker/registry/health_checker.hpp"
#include "distributed_breaker/reporting/local_errors.hpp"
#include "distributed_breaker/reporting/metrics.hpp"
#include "distributed_breaker/reporting/transition_log.hpp"
#include "distributed_breaker/resilience/call_policy_options.hpp"
#include "distributed_breaker/service_instance.hpp"
#include "distributed_breaker/sidecar/sidecar.hpp"
#include "distributed_breaker/upstream_client.hpp"
#include "program/command_line/options.hpp"
#include "program/http/admin_access.hpp"
#include "program/http/http_server.hpp"
#include "program/text.hpp"
#include "simple_breaker/options/policy_options.hpp"

namespace cb {
namespace {

constexpr size_t workers = 64;
constexpr const char* instance_group = "The instance itself";  // the heading in README.md

std::string name_by_port(int port) {
  if (port >= 8001 && port <= 8026) return std::string("Instance-") + static_cast<char>('A' + port - 8001);
  return "Instance-" + std::to_string(port);
}

// The name is sent in a header of every upstream call.
void require_header_safe(const std::string& name) {
  constexpr std::string_view others = "_-.";
  const bool is_safe = std::all_of(name.begin(), name.end(), [&](unsigned char letter) {
    return std::isalnum(letter) != 0 || others.find(static_cast<char>(letter)) != std::string_view::npos;
  });
  if (name.size() > 64 || !is_safe) {
    throw std::invalid_argument("name is '" + program::shortened(name, 64) + "'; use 1 to 64 of A-Z a-z 0-9 _ - .");
  }
}

// A health route that takes longer counts as down. Also bounds how long a stopping instance waits for it.
constexpr std::chrono::milliseconds longest_health_check{500};

// How much longer than its call a permit may be held: time for the store's deadlines and for a busy machine.
constexpr std::chrono::milliseconds margin{100};

void require_calls_can_end(const InstanceOptions& options) {
  if (options.call_timeout.count() == 0) throw std::invalid_argument("call_timeout is 0ms; it must be at least 1ms");
  if (options.policy.probe_timeout >= options.call_timeout + margin) return;
  throw std::invalid_argument("probe_timeout is " + program::to_text(options.policy.probe_timeout) +
                              " and call_timeout " + program::to_text(options.call_timeout) +
                              "; a probe must be able to end before its lease does: make it " +
                              program::to_text(options.call_timeout + margin) + " or more");
}

// The request may not be repeatable, and the answer must be the upstream's.
void require_fits_sidecar(const InstanceOptions& options) {
  if (!options.sidecar) return;
  if (options.call_policy.max_attempts > 1) throw std::invalid_argument("max_attempts must be 1 with a sidecar");
  if (options.call_policy.fallback != Fallback::none) throw std::invalid_argument("a sidecar has no fallback");
}

void require_valid_options(const InstanceOptions& options) {
  require_valid_name(options.breaker_name);
  require_valid(options.policy);
  require_valid(options.call_policy);
  require_calls_can_end(options);
  require_fits_sidecar(options);
  require_header_safe(options.name);
}

}  // namespace

void add_instance_options(program::CommandLine& app, InstanceOptions& options) {
  add_policy_options(app, options.policy);
  app.group("Around the call");
  add_call_policy_options(app, options.call_policy);
  app.group(instance_group);
  app.add_duration("--call-timeout", options.call_timeout,
                   "Deadline of one upstream call, from connecting to the last byte");
  app.add_option("--failure-status", options.failure_status, "Upstream statuses that count as failures");
  app.add_option("--breaker-name", options.breaker_name, "What the breaker protects");
  app.add_option("--max-breakers", options.max_breakers, "Limit of breakers for tenants (0: all share one)")
      .range(size_t{0}, BreakerRegistry::most_breakers);
  app.add_option("--admin-token-file", options.admin_token_file,
                 "Overrides need the token in this file; without it: from this machine only")
      .type_name("FILE");
  app.add_log_format(options.log_format);
  app.add_option("--upstream", options.upstream, "The service to call").type_name("URL");
  app.add_option("--name", options.name, "Name of this instance; the default depends on the port: 8001 is Instance-A");
  app.add_option("--listen", options.listen, "Address to listen on").type_name("ADDRESS");
  app.add_option("--port", options.port, "Port; 0 takes a free one").range(0, 65535);
  app.add_option("--sidecar", options.sidecar,
                 "Also be a reverse proxy of the upstream, on this port; 0 takes a free one")
      .type_name("PORT")
      .range(0, 65535);
}

int serve(InstanceOptions options, const program::StopSignal& stop, const Breakers& breakers) {
  program::set_up_log(options.log_format);
  require_valid_options(options);
  const auto admin = options.admin_token_file.empty() ? program::AdminAccess()
                                                      : program::AdminAccess::from_file(options.admin_token_file);
  const FailureStatus failure_status = FailureStatus::parse(options.failure_status);
  program::HttpServer server(workers);
  const int port = server.bind(options.listen, options.port);
  if (options.name.empty()) options.name = name_by_port(port);

  TransitionLog transitions;
  Metrics metrics(options.breaker_name);
  LocalErrors local_errors;
  const UpstreamClient upstream(options.upstream, options.name, failure_status, [&](const std::string& cause) {
    local_errors.record(cause);
    metrics.count_local_error();
  });
  HealthChecker health(options.policy.health_check_interval,
                       [&] { return upstream.health(std::min(options.call_timeout, longest_health_check)); });
  const Listener listener = [&](const Notice& notice) {
    transitions.record(notice);
    metrics.record(notice);
    health.on_notice(notice);
  };
  BreakerRegistry registry(options.breaker_name, options.max_breakers, breakers(options.name, listener));
  const std::jthread health_checks = health.watch(registry);
  ServiceInstance instance({options.name, options.breaker_name, options.policy, options.call_policy,
                            options.call_timeout, failure_status, options.max_breakers},
                           {registry, upstream, transitions, local_errors, metrics, admin});
  instance.add_routes(server);
  Sidecar sidecar({options.name, upstream.address(), upstream, instance});
  if (options.sidecar) {
    sidecar.bind(options.listen, *options.sidecar);
    sidecar.start();
    spdlog::info("{}: sidecar of {} on {}", options.name, upstream.address(), sidecar.url());
  }
  server.serve_until(stop, options.name);
  return 0;
}

}  // namespace cb
