// How quickly a fleet agrees that its circuit is open, and how many calls are admitted meanwhile.
#include <array>
#include <atomic>
#include <barrier>
#include <memory>
#include <thread>
#include <vector>

#include "redis_breaker/benchmark/figure_fleet.hpp"
#include "redis_breaker/benchmark/redis_figures.hpp"
#include "redis_breaker/benchmark/redis_monitor.hpp"

namespace cb {
namespace {

using namespace std::chrono_literals;

constexpr int processes = 3;
constexpr int threads = 8;
constexpr size_t most_rounds = 500;
constexpr auto until_all_are_waiting = 300us;

// --- from the trip until all reject

using Times = std::array<std::array<std::atomic<int64_t>, processes>, most_rounds>;

struct Trips {
  Gate gate;
  std::array<std::atomic<int64_t>, most_rounds> published_at{}, tripped_at{};
  Times received_at{}, rejected_at{};
};

const std::string channel = "cb:agreement:rounds";

// Measures a bare push of Redis on this machine under the same load, without a breaker.
class PushListener {
 public:
  PushListener(redis::Client& client, size_t pushes) : connection_(client.connect(0)) {
    connection_->send({"SUBSCRIBE", channel}, redis::Deadline(redis_patience));
    connection_->receive(redis::Deadline(redis_patience));
    thread_ = std::jthread([this, pushes] {
      while (received < pushes && connection_->receive(redis::Deadline(redis_patience)).error().empty()) ++received;
    });
  }

  std::atomic<size_t> received{0};

 private:
  const std::unique_ptr<redis::Connection> connection_;
  std::jthread thread_;
};

struct Round {
  size_t number;
  size_t process;
  bool my_turn() const { return number % processes == process; }
};

void publish_in_turn(Trips& trips, Instance& instance, const PushListener& listener, const Round& round) {
  trips.gate.pass(processes);
  if (round.my_turn()) {
    std::this_thread::sleep_for(until_all_are_waiting);
    instance.client.command({"PUBLISH", channel, "now"});
    trips.published_at[round.number] = nanoseconds_now();
  }
  wait_until([&] { return listener.received > round.number; });
  trips.received_at[round.number][round.process] = nanoseconds_now();
}

void trip_in_turn(Trips& trips, ManagedBreaker& breaker, const Round& round) {
  wait_until([&] { return call(breaker, Outcome::ignored); });
  trips.gate.pass(processes);
  if (round.my_turn()) {
    Permit permit = std::get<Permit>(breaker.acquire());
    std::this_thread::sleep_for(until_all_are_waiting);
    permit.settle(Outcome::failure);
    trips.tripped_at[round.number] = nanoseconds_now();
  }
  wait_until([&] { return !call(breaker, Outcome::ignored); });
  trips.rejected_at[round.number][round.process] = nanoseconds_now();
  trips.gate.pass(processes);
  if (round.my_turn()) reset(breaker);
}

// From `begin` until the last process had reached the end.
std::vector<double> milliseconds_until_all(const std::array<std::atomic<int64_t>, most_rounds>& begin,
                                           const Times& ends, size_t rounds) {
  std::vector<double> milliseconds;
  for (size_t round = 0; round < rounds; ++round) {
    int64_t last = begin[round];
    for (const auto& at : ends[round]) last = std::max(last, at.load());
    milliseconds.push_back(static_cast<double>(last - begin[round]) / 1e6);
  }
  return milliseconds;
}

void measure_time_to_agree(Benchmark& benchmark) {
  const SharedMemory<Trips> trips;
  const auto rounds = static_cast<size_t>(benchmark.effort.of(most_rounds));
  in_processes(processes, [&](int process) {
    Instance instance(benchmark.url, "agreement", {.failure_threshold = 1, .recovery_timeout = 10min});
    const PushListener listener(instance.client, rounds);
    wait_for_pushes(instance.breaker);
    for (size_t number = 0; number < rounds; ++number) {
      const Round round{number, static_cast<size_t>(process)};
      publish_in_turn(*trips, instance, listener, round);
      trip_in_turn(*trips, instance.breaker, round);
    }
  });
  const auto pushes = milliseconds_until_all(trips->published_at, trips->received_at, rounds);
  const auto trip_times = milliseconds_until_all(trips->tripped_at, trips->rejected_at, rounds);
  benchmark.table.begin("From a trip until 3 processes reject");
  const double push = median(pushes), slow_push = percentile(pushes, 99);
  benchmark.table.add("median of " + std::to_string(rounds) + " bare pushes", {push, "ms", 3});
  benchmark.table.add("  of as many trips", {median(trip_times), "ms", 3}, 1.5 * push);
  benchmark.table.add("99 of 100 bare pushes", {slow_push, "ms", 3});
  benchmark.table.add("  of trips", {percentile(trip_times, 99), "ms", 3}, 2 * slow_push);
  benchmark.table.add("longest bare push", {percentile(pushes, 100), "ms", 3});
  benchmark.table.add("  trip", {percentile(trip_times, 100), "ms", 3}, 1000);
}

// --- calls admitted after the trip

constexpr int workers = processes * threads;
constexpr int threshold = 5;

// In flight: one per thread, except for the thread that tripped the circuit. Within the push's delay: one more per
// thread of the other processes, whose reply then reports that the circuit is open.
constexpr double most_late = workers - 1 + (workers - threads);

struct Outages {
  Gate gate;
  std::array<std::atomic<int>, most_rounds> failures{};
};

void fail_until_rejected(Breaker& breaker, std::atomic<int>& failures, std::chrono::microseconds takes) {
  while (true) {
    Admission admission = breaker.acquire();
    auto* permit = std::get_if<Permit>(&admission);
    if (permit == nullptr) return;
    ++failures;
    if (takes > 0us) std::this_thread::sleep_for(takes);
    permit->settle(Outcome::failure);
  }
}

void run_outages(Outages& outages, ManagedBreaker& breaker, int worker, size_t rounds,
                 std::chrono::microseconds takes) {
  for (size_t round = 0; round < rounds; ++round) {
    wait_until([&] { return call(breaker, Outcome::ignored); });
    outages.gate.pass(workers);
    fail_until_rejected(breaker, outages.failures[round], takes);
    outages.gate.pass(workers);
    if (worker == 0) reset(breaker);
  }
}

void measure_late_calls(Benchmark& benchmark, std::chrono::milliseconds takes) {
  const SharedMemory<Outages> outages;
  const auto rounds = static_cast<size_t>(benchmark.effort.of(100));
  in_processes(processes, [&](int process) {
    Instance instance(benchmark.url, "late", {.failure_threshold = threshold, .recovery_timeout = 10min});
    wait_for_pushes(instance.breaker);
    std::vector<std::jthread> running;
    for (int thread = 0; thread < threads; ++thread) {
      running.emplace_back(
          [&, worker = process * threads + thread] { run_outages(*outages, instance.breaker, worker, rounds, takes); });
    }
  });
  std::vector<double> late;
  double sum = 0;
  for (size_t round = 0; round < rounds; ++round) {
    late.push_back(outages->failures[round] - threshold);
    sum += late.back();
  }
  const std::string what =
      takes > 0ms ? "calls that take " + std::to_string(takes.count()) + " ms" : "calls that fail at once";
  benchmark.table.add(what + ", mean of " + std::to_string(rounds), {sum / static_cast<double>(rounds), "", 1});
  benchmark.table.add(what + ", most", {percentile(late, 100)}, most_late);
}

// --- many threads of one instance fail at once

void measure_failing_at_once(Benchmark& benchmark) {
  redis::Client client(redis::parse_url(benchmark.url), redis_patience);
  double most_scripts = 0, most_failures = 0;
  const int rounds = benchmark.effort.of(20);
  for (int round = 0; round < rounds; ++round) {
    Instance instance(benchmark.url, "at-once-" + std::to_string(round),
                      {.failure_threshold = threshold, .recovery_timeout = 10min});
    wait_for_pushes(instance.breaker);
    std::barrier together(workers);
    Monitor monitor(client);
    {
      std::vector<std::jthread> running;
      for (int worker = 0; worker < workers; ++worker) {
        running.emplace_back([&] {
          Permit permit = std::get<Permit>(instance.breaker.acquire());
          together.arrive_and_wait();
          permit.settle(Outcome::failure);
        });
      }
    }
    most_scripts = std::max(most_scripts, 1.0 * monitor.take().count("EVALSHA settle"));
    most_failures = std::max(most_failures, 1.0 * instance.breaker.detailed_status().failures);
  }
  benchmark.table.begin("24 threads of one instance fail at once");
  benchmark.table.add("scripts run for them, most of " + std::to_string(rounds), {most_scripts}, 3);
  benchmark.table.add("failures counted", {most_failures}, threshold);
}

// --- the end of a break

constexpr int instances = 3;
constexpr int callers = 999;

// Returns the number of permit requests that Redis received.
int probes_asked_for(redis::Client& client, std::vector<std::unique_ptr<Instance>>& fleet) {
  wait_until([&] { return call(fleet[0]->breaker, Outcome::failure); });
  for (const auto& instance : fleet) wait_until([&] { return !call(instance->breaker, Outcome::ignored); });
  Monitor monitor(client);
  const Rejection rejection = std::get<Rejection>(fleet[0]->breaker.acquire());
  const auto end = std::chrono::steady_clock::now() + rejection.retry_after + 1ms;
  std::atomic<int> done{0};
  std::vector<std::jthread> running;
  for (int caller = 0; caller < callers; ++caller) {
    running.emplace_back([&, &breaker = fleet[static_cast<size_t>(caller) % fleet.size()]->breaker] {
      std::this_thread::sleep_until(end);
      const Admission admission = breaker.acquire();
      ++done;
      wait_until([&] { return done == callers; });  // hold the probe until all callers have tried
    });
  }
  wait_until([&] { return done == callers; });
  return monitor.take().count("EVALSHA acquire");
}

}  // namespace

void measure_agreement(Benchmark& benchmark) {
  measure_time_to_agree(benchmark);
  benchmark.table.begin("Calls beyond the threshold, 3 x 8 threads");
  measure_late_calls(benchmark, 0ms);
  measure_late_calls(benchmark, 2ms);
  measure_failing_at_once(benchmark);
}

void measure_end_of_break(Benchmark& benchmark) {
  redis::Client client(redis::parse_url(benchmark.url), redis_patience);
  double most = 0;
  const int rounds = benchmark.effort.of(5);
  for (int round = 0; round < rounds; ++round) {
    std::vector<std::unique_ptr<Instance>> fleet;
    for (int i = 0; i < instances; ++i) {
      fleet.push_back(std::make_unique<Instance>(benchmark.url, "break-" + std::to_string(round),
                                                 Policy{.failure_threshold = 1, .recovery_timeout = 1s}));
      wait_for_pushes(fleet.back()->breaker);
    }
    most = std::max(most, 1.0 * probes_asked_for(client, fleet));
  }
  benchmark.table.begin("999 callers at the end of a break, 3 instances");
  benchmark.table.add("permit requests of all three, most of " + std::to_string(rounds), {most}, instances);
}

}  // namespace cb
