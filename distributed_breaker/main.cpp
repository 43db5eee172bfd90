// Stage 2: one instance of a fleet, with its own breaker in memory. Start three, and watch them disagree.
#include "distributed_breaker/instance.hpp"
#include "program/command_line/options.hpp"
#include "simple_breaker/circuit_breaker.hpp"

int main(int argc, char** argv) {
  return program::run([&] {
    const program::StopSignal stop;
    program::CommandLine app{"Stage 2: a service instance with its own circuit breaker", "distributed_breaker"};
    cb::InstanceOptions options;
    cb::add_instance_options(app, options);
    if (const auto exit_code = app.parse(argc, argv)) return *exit_code;
    return cb::serve(options, stop, [&](const std::string&, cb::Listener listener) {
      const auto setup = std::make_shared<const cb::BreakerConfig>(options.policy, std::move(listener));
      return [setup](const cb::Identity& identity) { return std::make_shared<cb::CircuitBreaker>(setup, identity); };
    });
  });
}
