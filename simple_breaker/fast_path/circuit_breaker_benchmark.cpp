// What a protected call through the in-memory breaker costs beyond the call itself, in nanoseconds of one thread's
// time.
//   ./scripts/dev/benchmark.sh
#include <benchmark/benchmark.h>

#include "simple_breaker/circuit_breaker.hpp"
#include "simple_breaker/execute.hpp"

using namespace cb;

namespace {

// The library divides the time by the calls of all threads; a caller waits for one thread only.
void report_ns_per_call(benchmark::State& state) {
  state.counters["a call"] = benchmark::Counter(static_cast<double>(state.iterations()),
                                                benchmark::Counter::kAvgThreadsRate | benchmark::Counter::kInvert);
}

CircuitBreaker& healthy() {
  static CircuitBreaker breaker{Policy{}};
  return breaker;
}

CircuitBreaker& windowed() {
  static CircuitBreaker breaker{Policy{.failure_rate_threshold = 0.5,
                                       .slow_call_rate_threshold = 0.5,
                                       .slow_call_duration_threshold = std::chrono::milliseconds(500)}};
  return breaker;
}

CircuitBreaker& opened() {
  static CircuitBreaker breaker{Policy{.failure_threshold = 1, .recovery_timeout = std::chrono::hours(1)}};
  Admission admission = breaker.acquire();
  if (auto* permit = std::get_if<Permit>(&admission)) permit->settle(Outcome::failure);
  return breaker;
}

void successful_call(benchmark::State& state) {
  CircuitBreaker& breaker = healthy();
  for ([[maybe_unused]] auto _ : state) {
    Admission admission = breaker.acquire();
    std::get<Permit>(admission).settle(Outcome::success);
  }
  report_ns_per_call(state);
}

void windowed_call(benchmark::State& state) {
  CircuitBreaker& breaker = windowed();
  for ([[maybe_unused]] auto _ : state) {
    Admission admission = breaker.acquire();
    std::get<Permit>(admission).settle(Outcome::success);
  }
  report_ns_per_call(state);
}

void successful_execute(benchmark::State& state) {
  CircuitBreaker& breaker = healthy();
  for ([[maybe_unused]] auto _ : state) benchmark::DoNotOptimize(execute(breaker, [] { return 42; }));
  report_ns_per_call(state);
}

void rejection(benchmark::State& state) {
  CircuitBreaker& breaker = opened();
  for ([[maybe_unused]] auto _ : state) benchmark::DoNotOptimize(breaker.acquire());
  report_ns_per_call(state);
}

void clock_read(benchmark::State& state) {
  for ([[maybe_unused]] auto _ : state) benchmark::DoNotOptimize(steady_wall_clock());
  report_ns_per_call(state);
}

}  // namespace

BENCHMARK(successful_call)->Threads(1)->Threads(2)->UseRealTime();
BENCHMARK(windowed_call)->Threads(1)->Threads(2)->UseRealTime();
BENCHMARK(successful_execute)->Threads(1)->Threads(2)->UseRealTime();
BENCHMARK(rejection)->Threads(1)->Threads(2)->UseRealTime();
BENCHMARK(clock_read)->Threads(1)->Threads(2)->UseRealTime();

BENCHMARK_MAIN();
