// What a protected call costs: a healthy one compared with stage 1's, a failing one compared with the bare script.
#include <barrier>
#include <ctime>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <vector>

#include "redis_breaker/benchmark/figure_fleet.hpp"
#include "redis_breaker/benchmark/redis_figures.hpp"
#include "redis_breaker/benchmark/redis_monitor.hpp"
#include "simple_breaker/circuit_breaker.hpp"

namespace cb {
namespace {

// --- healthy calls

constexpr int calls_at_a_time = 10'000;
constexpr double most_beyond_memory = 10;

// CPU time of this thread, so that other programs on the machine do not count.
int64_t thread_nanoseconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<int64_t>(now.tv_sec) * 1'000'000'000 + now.tv_nsec;
}

double nanoseconds_a_call(Breaker& breaker) {
  const int64_t before = thread_nanoseconds();
  for (int i = 0; i < calls_at_a_time; ++i) call(breaker, Outcome::success);
  return static_cast<double>(thread_nanoseconds() - before) / calls_at_a_time;
}

struct CallTimes {
  std::mutex mutex;
  std::vector<double> memory;
  std::vector<double> shared;
  std::vector<double> difference;
};

// All threads call the same breaker at the same time, and switch to the other one together.
void take_turns(CallTimes& times, Breaker& memory, Breaker& shared, int threads, int turns) {
  std::barrier together(threads);
  const auto work = [&] {
    for (int i = 0; i < turns; ++i) {
      together.arrive_and_wait();
      const double first = nanoseconds_a_call(memory);
      together.arrive_and_wait();
      const double second = nanoseconds_a_call(shared);
      const std::scoped_lock lock(times.mutex);
      times.memory.push_back(first);
      times.shared.push_back(second);
      times.difference.push_back(second - first);
    }
  };
  std::vector<std::jthread> running;
  for (int thread = 0; thread < threads; ++thread) running.emplace_back(work);
}

void measure_against_memory(Benchmark& benchmark, const std::string& name, const Policy& policy, int threads) {
  CircuitBreaker memory(policy);
  Instance instance(benchmark.url, name, policy);
  wait_for_pushes(instance.breaker);
  CallTimes times;
  take_turns(times, memory, instance.breaker, threads, benchmark.effort.of(400));
  const std::string what = name + ", " + std::to_string(threads) + (threads == 1 ? " thread" : " threads");
  benchmark.table.add(what + ", in memory", {median(times.memory), "ns", 1});
  benchmark.table.add(what + ", shared", {median(times.shared), "ns", 1});
  benchmark.table.add(what + ", the difference", {median(times.difference), "ns", 1}, most_beyond_memory);
}

// --- failing calls

constexpr double most_beyond_script = 1.6;  // times an EVALSHA that does nothing

double microseconds_of(const std::function<void()>& work) {
  const int64_t before = nanoseconds_now();
  work();
  return static_cast<double>(nanoseconds_now() - before) / 1000;
}

// The exact command of a failing call, so that it can be sent without a breaker.
std::vector<std::string> observed_settle(redis::Client& client, Breaker& breaker) {
  Monitor monitor(client);
  call(breaker, Outcome::failure);
  ObservedCommands observed = monitor.take();
  if (observed.last_settle.empty()) throw std::runtime_error("a failing call sent " + observed.to_text());
  return std::move(observed.last_settle);
}

void require_done(const redis::Reply& reply) {
  if (!reply.error().empty()) throw std::runtime_error(reply.error());
}

struct FailureTimes {
  std::vector<double> call, script, trivial;
};

FailureTimes time_failures(Instance& instance, const std::vector<std::string>& settle, int times) {
  const redis::Reply loaded = instance.client.command({"SCRIPT", "LOAD", "return 1"});
  require_done(loaded);
  const std::vector<std::string> trivial{"EVALSHA", loaded->str, "0"};
  FailureTimes taken;
  for (int i = 0; i < times; ++i) {
    taken.call.push_back(microseconds_of([&] { call(instance.breaker, Outcome::failure); }));
    taken.script.push_back(microseconds_of([&] { require_done(instance.client.command(settle)); }));
    taken.trivial.push_back(microseconds_of([&] { require_done(instance.client.command(trivial)); }));
  }
  return taken;
}

void count_commands_of_failures(Benchmark& benchmark, redis::Client& client, Breaker& breaker) {
  const int failures = benchmark.effort.of(1000);
  Monitor monitor(client);
  for (int i = 0; i < failures; ++i) call(breaker, Outcome::failure);
  const ObservedCommands observed = monitor.take();
  const double settles = observed.count("EVALSHA settle");
  const double others = observed.all_sent() - settles - observed.of_checks() - observed.count("EVALSHA tick");
  benchmark.table.add("scripts run for it (one round trip each)", {settles / failures, "", 3}, 1);
  benchmark.table.add("other commands sent for it", {others / failures, "", 3}, 0);
  benchmark.table.add("commands in its script", {1.0 * observed.in_scripts / failures, "", 1});
}

}  // namespace

void measure_healthy_calls(Benchmark& benchmark) {
  benchmark.table.begin("A healthy call, CPU time of the caller");
  for (const int threads : {1, 2}) measure_against_memory(benchmark, "no-window", {}, threads);
  for (const int threads : {1, 2}) measure_against_memory(benchmark, "window", windowed_policy(), threads);
}

void measure_failing_calls(Benchmark& benchmark) {
  redis::Client client(redis::parse_url(benchmark.url), redis_patience);
  Instance instance(benchmark.url, "failing", never_tripping_policy());
  wait_for_pushes(instance.breaker);
  const auto settle = observed_settle(client, instance.breaker);
  const FailureTimes times = time_failures(instance, settle, benchmark.effort.of(3000));
  benchmark.table.begin("A failing call");
  benchmark.table.add("an EVALSHA of an empty script", {median(times.trivial), "us", 1});
  benchmark.table.add("the EVALSHA of the breaker's script", {median(times.script), "us", 1});
  benchmark.table.add("the failing call", {median(times.call), "us", 1});
  benchmark.table.add("the call divided by the empty script", {median(times.call) / median(times.trivial), "", 2},
                      most_beyond_script);
  count_commands_of_failures(benchmark, client, instance.breaker);
}

}  // namespace cb
