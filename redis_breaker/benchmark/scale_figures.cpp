// Fleets of 1 to 100 instances, each with its own connections, synchronizer and cached view, all in this process.
#include <algorithm>
#include <atomic>
#include <cstdio>
#include <latch>
#include <memory>
#include <thread>
#include <vector>

#include "redis_breaker/benchmark/figure_fleet.hpp"
#include "redis_breaker/benchmark/redis_figures.hpp"
#include "redis_breaker/benchmark/redis_monitor.hpp"

namespace cb {
namespace {

using namespace std::chrono_literals;

using Fleet = std::vector<std::unique_ptr<Instance>>;

constexpr int threshold = 5;

Fleet make_fleet(const std::string& url, const std::string& name, const Policy& policy, int size) {
  Fleet fleet;
  for (int i = 0; i < size; ++i) fleet.push_back(std::make_unique<Instance>(url, name, policy));
  for (const auto& instance : fleet) wait_for_pushes(instance->breaker);
  return fleet;
}

// Commands per second of one instance, while every instance makes a call and then pauses.
double background(redis::Client& client, Fleet& fleet, std::chrono::milliseconds time,
                  std::chrono::microseconds pause) {
  Monitor monitor(client);
  const int64_t before = nanoseconds_now();
  const auto end = std::chrono::steady_clock::now() + time;
  while (std::chrono::steady_clock::now() < end) {
    for (const auto& instance : fleet) call(instance->breaker, Outcome::success);
    if (pause > 0us) std::this_thread::sleep_for(pause);
  }
  const int sent = monitor.take().all_sent();
  return sent / seconds_since(before) / static_cast<double>(fleet.size());
}

struct Outage {
  explicit Outage(int instances) : rejecting(instances) {}
  std::atomic<int> failures{0};
  std::atomic<int> ready{0};
  std::atomic<int64_t> tripped_at{0};
  std::atomic<int64_t> all_reject_at{0};
  std::latch rejecting;  // the end of a hundred threads takes time that is not to be measured
};

void raise(std::atomic<int64_t>& value, int64_t to) {
  int64_t seen = value;
  while (seen < to && !value.compare_exchange_weak(seen, to)) {
  }
}

void fail_until_rejected(Outage& outage, Breaker& breaker, int size) {
  ++outage.ready;
  wait_until([&] { return outage.ready == size; });
  while (true) {
    Admission admission = breaker.acquire();
    auto* permit = std::get_if<Permit>(&admission);
    if (permit == nullptr) break;
    ++outage.failures;
    const Settled settled = permit->settle(Outcome::failure);
    if (settled.state == State::open && !settled.late) outage.tripped_at = nanoseconds_now();
  }
  raise(outage.all_reject_at, nanoseconds_now());
  outage.rejecting.arrive_and_wait();
}

struct Outages {
  std::vector<double> failures;
  std::vector<double> milliseconds;
};

Outages run_outages(Fleet& fleet, int times) {
  Outages outages;
  for (int i = 0; i < times; ++i) {
    const auto size = static_cast<int>(fleet.size());
    Outage outage(size);
    {
      std::vector<std::jthread> running;
      for (const auto& instance : fleet) {
        running.emplace_back([&] { fail_until_rejected(outage, instance->breaker, size); });
      }
    }
    outages.failures.push_back(outage.failures);
    outages.milliseconds.push_back(static_cast<double>(outage.all_reject_at - outage.tripped_at) / 1e6);
    reset(fleet[0]->breaker);
    for (const auto& instance : fleet) wait_until([&] { return call(instance->breaker, Outcome::ignored); });
  }
  return outages;
}

// Until all of `size` connections have received a push, without a breaker.
double milliseconds_of_bare_pushes(const std::string& url, int size, int times) {
  redis::Client client(redis::parse_url(url), redis_patience);
  std::atomic<int> received{0};
  std::vector<std::unique_ptr<redis::Connection>> connections;
  std::vector<std::jthread> listeners;
  for (int i = 0; i < size; ++i) {
    connections.push_back(client.connect(0));
    connections.back()->command({"SUBSCRIBE", "cb:bare:pushes"}, redis::Deadline(redis_patience));
    listeners.emplace_back([&received, &connection = *connections.back(), times] {
      for (int push = 0; push < times; ++push, ++received) connection.receive(redis::Deadline(redis_patience));
    });
  }
  std::vector<double> milliseconds;
  for (int push = 1; push <= times; ++push) {
    client.command({"PUBLISH", "cb:bare:pushes", "now"});
    const int64_t published = nanoseconds_now();
    wait_until([&] { return received == push * size; });
    milliseconds.push_back(static_cast<double>(nanoseconds_now() - published) / 1e6);
  }
  return median(milliseconds);
}

void measure_fleet_of(Benchmark& benchmark, redis::Client& client, int size) {
  const std::string name = "fleet-of-" + std::to_string(size);
  Fleet fleet = make_fleet(benchmark.url, name, {.failure_threshold = threshold, .recovery_timeout = 10min}, size);
  const auto time = benchmark.effort.of(1500ms);
  const double slow = background(client, fleet, time, 10'000us);
  const double quick = background(client, fleet, time, 0us);
  const Outages outages = run_outages(fleet, benchmark.effort.of(20));
  fleet = make_fleet(benchmark.url, name + "-window", windowed_policy(), size);
  const double windowed = background(client, fleet, time, 0us);
  std::printf("%9d %10.1f %10.1f %8.1f %8.0f %6.0f %8.2f %8.2f %10.2f\n", size, slow, quick, windowed,
              median(outages.failures), percentile(outages.failures, 100), median(outages.milliseconds),
              percentile(outages.milliseconds, 100), milliseconds_of_bare_pushes(benchmark.url, size, 20));
  std::fflush(stdout);
}

}  // namespace

void measure_scale(Benchmark& benchmark) {
  redis::Client client(redis::parse_url(benchmark.url), redis_patience);
  std::printf("\n%9s %30s %15s %17s %10s\n", "", "commands of an instance, /s", "failed calls", "all reject, ms",
              "a push, ms");
  std::printf("%9s %10s %10s %8s %8s %6s %8s %8s %10s\n", "instances", "100 calls", "unlimited", "window", "median",
              "most", "median", "most", "median");
  for (const int size : {1, 3, 10, 30, 100}) measure_fleet_of(benchmark, client, size);
}

}  // namespace cb
