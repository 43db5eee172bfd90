#include "distributed_breaker/instance.hpp"

#include <algorithm>
#include <stdexcept>
#include <string_view>

#include "distributed_breaker/service_instance.hpp"
#include "distributed_breaker/transition_log.hpp"
#include "distributed_breaker/upstream_client.hpp"
#include "program/http_server.hpp"
#include "program/log.hpp"
#include "program/options.hpp"
#include "simple_breaker/policy_options.hpp"

namespace cb {
namespace {

constexpr size_t workers = 64;

std::string name_by_port(int port) {
  if (port >= 8001 && port <= 8026) return std::string("Instance-") + static_cast<char>('A' + port - 8001);
  return "Instance-" + std::to_string(port);
}

// The name goes into a header of every upstream call.
void require_header_safe(const std::string& name) {
  constexpr std::string_view others = "_-.";
  const bool plain = std::all_of(name.begin(), name.end(), [&](unsigned char letter) {
    return std::isalnum(letter) != 0 || others.find(static_cast<char>(letter)) != std::string_view::npos;
  });
  if (name.size() > 64 || !plain) {
    throw std::invalid_argument("name is '" + name.substr(0, 64) + "'; use 1 to 64 of A-Z a-z 0-9 _ - .");
  }
}

// What a permit waits for besides the call: the store's deadlines, and a busy machine.
constexpr std::chrono::milliseconds around_the_call{100};

void require_calls_can_end(const InstanceOptions& options) {
  if (options.call_timeout.count() == 0) throw std::invalid_argument("call_timeout is 0ms; it must be at least 1ms");
  if (options.policy.probe_timeout >= options.call_timeout + around_the_call) return;
  throw std::invalid_argument("probe_timeout is " + program::to_text(options.policy.probe_timeout) +
                              " and call_timeout " + program::to_text(options.call_timeout) +
                              "; a probe must be able to end before its lease does: make it " +
                              program::to_text(options.call_timeout + around_the_call) + " or more");
}

}  // namespace

void add_instance_options(CLI::App& app, InstanceOptions& options) {
  app.add_option("--name", options.name, "Name of this instance; by default by port: 8001 is Instance-A");
  app.add_option("--listen", options.listen, "Address to listen on")->capture_default_str();
  app.add_option("--port", options.port, "Port; 0 takes a free one")
      ->check(CLI::Range(0, 65535))
      ->capture_default_str();
  app.add_option("--upstream", options.upstream, "The service to call")->capture_default_str();
  program::add_duration(app, "--call-timeout", options.call_timeout, "Deadline of one upstream call, for all of it");
  app.add_option("--breaker-name", options.breaker_name, "What the breaker protects")->capture_default_str();
  add_policy_options(app, options.policy);
}

int serve(InstanceOptions options, const program::StopSignal& stop, const MakeBreaker& make_breaker) {
  program::set_up_log();
  require_valid_name(options.breaker_name);
  require_valid(options.policy);
  require_calls_can_end(options);
  require_header_safe(options.name);
  program::HttpServer server(workers);
  const int port = server.bind(options.listen, options.port);
  if (options.name.empty()) options.name = name_by_port(port);
  TransitionLog transitions;
  const UpstreamClient upstream(options.upstream, options.name, options.call_timeout);
  const std::unique_ptr<Breaker> breaker = make_breaker(transitions.listener());
  ServiceInstance instance({options.name, options.breaker_name, options.policy}, *breaker, upstream, transitions);
  instance.add_routes(server);
  server.serve_until(stop, options.name);
  return 0;
}

}  // namespace cb
