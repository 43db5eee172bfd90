// What the shared breaker costs, and how quickly a fleet agrees: the figures of README.md. Starts its own Redis.
//   ./scripts/dev/benchmark.sh
#include <iostream>

#include "program/command_line/options.hpp"
#include "program/processes/redis_server.hpp"
#include "redis_breaker/benchmark/redis_figures.hpp"

int main(int argc, char** argv) {
  return program::run([&]() -> int {
    program::CommandLine app{"Measures the shared breaker against a private Redis", "redis_breaker_benchmark"};
    bool quick = false;
    app.add_flag("--quick", quick, "A tenth of the repetitions: less precise");
    if (const auto exit_code = app.parse(argc, argv)) return *exit_code;

    const program::PrivateRedis client;
    cb::Benchmark benchmark{.url = client.url(), .effort = {quick ? 0.1 : 1}};
    cb::measure_stores(benchmark);
    cb::measure_commands(benchmark);
    cb::measure_healthy_calls(benchmark);
    cb::measure_failing_calls(benchmark);
    cb::measure_agreement(benchmark);
    cb::measure_end_of_break(benchmark);
    cb::measure_scale(benchmark);
    return 0;
  });
}
