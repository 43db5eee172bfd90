// An instance as a program: its options, and serving with any kind of breaker. The breaker is the only difference
// between stages 2 and 3.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "distributed_breaker/registry/breaker_registry.hpp"
#include "distributed_breaker/resilience/call_policy.hpp"
#include "program/command_line/options.hpp"
#include "program/log.hpp"
#include "program/stop_signal.hpp"
#include "simple_breaker/notice.hpp"
#include "simple_breaker/policy.hpp"

namespace cb {

struct InstanceOptions {
  std::string name;  // empty: by port, 8001 is Instance-A
  std::string listen = "127.0.0.1";
  int port = 8001;
  std::optional<int> sidecar;  // the port of the reverse proxy; 0: a free one
  std::string upstream = "http://127.0.0.1:9000";
  std::chrono::milliseconds call_timeout{1000};
  std::string failure_status = "500-599";
  std::string breaker_name = "unreliable_service";
  size_t max_breakers = 10'000;
  std::string admin_token_file;  // empty: none
  program::LogFormat log_format = program::LogFormat::text;
  Policy policy;
  CallPolicy call_policy;
};

// In the groups of README.md. Options that follow join the last group: the instance itself.
void add_instance_options(program::CommandLine& app, InstanceOptions& options);

// What a stage provides: a factory of breakers that notify `listener`, for the instance of this name.
using Breakers = std::function<BreakerRegistry::Make(const std::string& instance, Listener listener)>;

// Serves until a stop signal; returns the exit code. Throws std::invalid_argument for a bad setting and
// std::runtime_error if the port is taken.
int serve(InstanceOptions options, const program::StopSignal& stop, const Breakers& breakers);

}  // namespace cb
