// The three steps of the chapter, in one table: what each costs, and how soon all instances know that a circuit is
// open.
#include <array>
#include <cstdio>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "redis_breaker/benchmark/figure_fleet.hpp"
#include "redis_breaker/benchmark/redis_figures.hpp"
#include "redis_breaker/benchmark/redis_monitor.hpp"
#include "redis_breaker/naive_redis_breaker.hpp"
#include "redis_breaker/redis_group.hpp"
#include "redis_breaker/scripted_breaker.hpp"

namespace cb {
namespace {

using namespace std::chrono_literals;
using Make = std::function<std::unique_ptr<ManagedBreaker>(redis::Client&, const std::string&, const Policy&)>;

std::unique_ptr<ManagedBreaker> naive(redis::Client& client, const std::string& name, const Policy& policy) {
  return std::make_unique<NaiveRedisBreaker>(client, Identity{name}, policy);
}
std::unique_ptr<ManagedBreaker> scripted(redis::Client& client, const std::string& name, const Policy& policy) {
  return std::make_unique<ScriptedBreaker>(redis_group(client, policy), Identity{name});
}
std::unique_ptr<ManagedBreaker> cached(redis::Client& client, const std::string& name, const Policy& policy) {
  auto breaker = std::make_unique<FallbackBreaker>(redis_group(client, policy), Identity{name});
  wait_for_pushes(*breaker);
  return breaker;
}

double microseconds_a_call(Breaker& breaker, Outcome outcome, int calls) {
  std::vector<double> times;
  for (int i = 0; i < calls; ++i) {
    const int64_t before = nanoseconds_now();
    call(breaker, outcome);
    times.push_back(static_cast<double>(nanoseconds_now() - before) / 1000);
  }
  return median(times);
}

double commands_a_call(redis::Client& client, Breaker& breaker, int calls) {
  Monitor monitor(client);
  for (int i = 0; i < calls; ++i) call(breaker, Outcome::success);
  const ObservedCommands observed = monitor.take();
  return (observed.all_sent() - observed.of_checks()) / static_cast<double>(calls);
}

// Until a second instance rejects, after the first one's call has opened the circuit.
double milliseconds_to_agree(const Benchmark& benchmark, const Make& make, const std::string& name, int rounds) {
  std::vector<double> times;
  redis::Client here(redis::parse_url(benchmark.url), redis_patience),
      there(redis::parse_url(benchmark.url), redis_patience);
  for (int round = 0; round < rounds; ++round) {
    const std::string breaker = name + "-" + std::to_string(round);
    const Policy policy{.failure_threshold = 1, .recovery_timeout = 10min};
    const auto a = make(here, breaker, policy), b = make(there, breaker, policy);
    call(*a, Outcome::failure);
    const int64_t tripped = nanoseconds_now();
    wait_until([&] { return !call(*b, Outcome::ignored); });
    times.push_back(static_cast<double>(nanoseconds_now() - tripped) / 1e6);
  }
  return median(times);
}

void measure_store(Benchmark& benchmark, const std::string& name, const Make& make) {
  redis::Client client(redis::parse_url(benchmark.url), redis_patience);
  const int calls = benchmark.effort.of(1000);
  const auto breaker = make(client, "store-" + name, never_tripping_policy());
  const double commands = commands_a_call(client, *breaker, calls);
  const double healthy = microseconds_a_call(*breaker, Outcome::success, calls);
  const double failing = microseconds_a_call(*breaker, Outcome::failure, calls);
  const double agree = milliseconds_to_agree(benchmark, make, "agree-" + name, benchmark.effort.of(50));
  std::printf("%-9s %16.1f %14.1f us %14.1f us %14.3f ms\n", name.c_str(), commands, healthy, failing, agree);
  std::fflush(stdout);
}

}  // namespace

void measure_stores(Benchmark& benchmark) {
  std::printf("\n%-9s %16s %17s %17s %17s\n", "--store", "commands a call", "healthy call", "failing call",
              "trip to reject");
  measure_store(benchmark, "naive", naive);
  measure_store(benchmark, "scripted", scripted);
  measure_store(benchmark, "cached", cached);
}

}  // namespace cb
