// An instance as a program: its options, and running it round any breaker. Stages 2 and 3 differ in the breaker that
// they bring, and in nothing else.
#pragma once

#include <CLI/CLI.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "program/stop_signal.hpp"
#include "simple_breaker/event.hpp"
#include "simple_breaker/policy.hpp"

namespace cb {

struct InstanceOptions {
  std::string name;  // empty: by port, 8001 is Instance-A
  std::string listen = "127.0.0.1";
  int port = 8001;
  std::string upstream = "http://127.0.0.1:9000";
  std::chrono::milliseconds call_timeout{1000};
  std::string breaker_name = "unreliable_service";
  Policy policy;
};

void add_instance_options(CLI::App& app, InstanceOptions& options);

using MakeBreaker = std::function<std::unique_ptr<Breaker>(Listener listener)>;

// Serves until a stop signal; returns the exit code. Throws std::invalid_argument for a setting that makes no sense and
// std::runtime_error where the port is taken.
int serve(InstanceOptions options, const program::StopSignal& stop, const MakeBreaker& make_breaker);

}  // namespace cb
