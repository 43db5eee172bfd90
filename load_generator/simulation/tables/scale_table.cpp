#include "load_generator/simulation/tables/scale_table.hpp"

#include <spdlog/fmt/fmt.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <iostream>

#include "load_generator/simulation/simulated_run.hpp"

namespace simulation {
namespace {

using namespace std::chrono_literals;
using SteadyClock = std::chrono::steady_clock;

constexpr int threshold = 5;
constexpr double calls_a_second = 5;  // of each instance
constexpr auto healthy = 1s;
constexpr auto down = 3s;
constexpr auto load = 6s;

load::Scenario outage(size_t instances) {
  load::Scenario scenario;
  scenario.name = "scale";
  scenario.instances = instances;
  scenario.plan = fmt::format("healthy {}s, down {}s, healthy", healthy.count(), down.count());
  scenario.load.rate = calls_a_second * static_cast<double>(instances);
  scenario.load.duration = load;
  return scenario;
}

load::Variant variant_of(load::Stage stage) {
  load::Variant variant;
  variant.stage = stage;
  variant.breaker = {{"failure_threshold", std::to_string(threshold)}, {"recovery_timeout", "2s"}};
  return variant;
}

struct Row {
  uint64_t failures = 0;  // at the upstream, without probes
  uint64_t probes = 0;
  double last_failure_ms = 0;  // since the outage began: then everyone rejects
  uint64_t local = 0;          // instances that opened for want of Redis
  double commands_a_second = 0;
  double seconds = 0;  // of real time
};

Row play(size_t instances, load::Stage stage, uint64_t seed) {
  const auto begun = SteadyClock::now();
  const Simulated simulated = simulate(outage(instances), variant_of(stage), seed);
  Row row;
  for (const load::Call& call : simulated.run.calls) {
    row.probes += call.probe ? 1 : 0;
    if (call.probe || call.status != load::CallStatus::failure) continue;
    ++row.failures;
    row.last_failure_ms = std::max(row.last_failure_ms, load::to_ms(call.intended + call.latency - healthy));
  }
  for (const load::Transition& each : simulated.run.transitions) {
    row.local += each.local && each.from == load::State::closed && each.to == load::State::open ? 1 : 0;
  }
  row.commands_a_second = static_cast<double>(simulated.redis_commands) / simulated.seconds;
  row.seconds = std::chrono::duration<double>(SteadyClock::now() - begun).count();
  return row;
}

double resident_mb() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

}  // namespace

int print_scale(const ScaleOptions& options, const program::StopSignal& stop) {
  std::cout << fmt::format(
      "An outage of {} s; threshold {}, {} calls a second at each instance, a break of 2 s.\n\n"
      "             a breaker in each       one breaker in Redis\n"
      "{:>9} {:>9} {:>8} {:>9} {:>8} {:>6} {:>8} {:>10} {:>6}\n",
      down.count(), threshold, calls_a_second, "instances", "failures", "probes", "failures", "after ms", "probes",
      "local", "commands/s", "MB");
  for (const size_t instances : options.instances) {
    if (stop.requested()) return program::interrupted;
    const Row each = play(instances, load::Stage::distributed, options.seed);
    const Row shared = play(instances, load::Stage::redis, options.seed);
    std::cout << fmt::format("{:>9} {:>9} {:>8} {:>9} {:>8.1f} {:>6} {:>8} {:>10.0f} {:>6.0f}   {:.1f} s\n", instances,
                             each.failures, each.probes, shared.failures, shared.last_failure_ms, shared.probes,
                             shared.local, shared.commands_a_second, resident_mb(), each.seconds + shared.seconds)
              << std::flush;
  }
  return 0;
}

}  // namespace simulation
