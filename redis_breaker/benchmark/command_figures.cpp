// What an instance with healthy calls sends to Redis.
#include <string>
#include <thread>
#include <vector>

#include "redis_breaker/benchmark/figure_fleet.hpp"
#include "redis_breaker/benchmark/redis_figures.hpp"
#include "redis_breaker/benchmark/redis_monitor.hpp"

namespace cb {
namespace {

using namespace std::chrono_literals;

constexpr double most_a_second = 20;

void call_in_threads(Breaker& breaker, int threads, int calls_each) {
  std::vector<std::jthread> running;
  for (int thread = 0; thread < threads; ++thread) {
    running.emplace_back([&breaker, calls_each] {
      for (int i = 0; i < calls_each; ++i) call(breaker, Outcome::success);
    });
  }
}

void measure_healthy_calls_only(Benchmark& benchmark, redis::Client& client) {
  Instance instance(benchmark.url, "path", {});
  wait_for_pushes(instance.breaker);
  Monitor monitor(client);
  const int64_t before = nanoseconds_now();
  call_in_threads(instance.breaker, 4, 500'000);
  const ObservedCommands observed = monitor.take();
  const double most_checks = 3 + seconds_since(before) * most_a_second;  // a check takes three
  const double checks = observed.of_checks();
  benchmark.table.add("2,000,000 healthy calls, commands they send", {observed.all_sent() - checks}, 0);
  benchmark.table.add("  checks of the synchronizer meanwhile", {checks}, most_checks);
}

// Commands per second.
struct Rates {
  double sent = 0;
  double in_scripts = 0;
};

Rates rates_while(const Benchmark& benchmark, redis::Client& client, const std::string& name, const Policy& policy,
                  const Load& load) {
  Instance instance(benchmark.url, name, policy);
  wait_for_pushes(instance.breaker);
  call(instance.breaker, Outcome::success);
  Monitor monitor(client);
  const int64_t before = nanoseconds_now();
  call_for(instance.breaker, benchmark.effort.of(5000ms), load);
  const ObservedCommands observed = monitor.take();
  const double seconds = seconds_since(before);
  return {observed.all_sent() / seconds, observed.in_scripts / seconds};
}

void measure_background(Benchmark& benchmark, redis::Client& client, const std::string& name, const Policy& policy) {
  const auto measure = [&](const std::string& how, const Load& load, double at_most) {
    const Rates rates = rates_while(benchmark, client, name, policy, load);
    benchmark.table.add(name + ", " + how, {rates.sent, "/s", 1}, at_most);
    benchmark.table.add("  run by scripts, inside Redis", {rates.in_scripts, "/s", 1});
  };
  measure("100 calls a second", {.pause = 10ms}, most_a_second);
  measure("unlimited calls", {}, most_a_second);
  measure("100 a second, one of them fails", {.pause = 10ms, .of_which_one_fails = 100}, most_a_second + 1);
}

}  // namespace

void measure_commands(Benchmark& benchmark) {
  redis::Client client(redis::parse_url(benchmark.url), redis_patience);
  benchmark.table.begin("Commands that an instance sends");
  measure_healthy_calls_only(benchmark, client);
  measure_background(benchmark, client, "no-window", {});
  measure_background(benchmark, client, "window", windowed_policy());
}

}  // namespace cb
