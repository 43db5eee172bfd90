// The price list of all stores, as a table of Markdown, and what it must not exceed.
//   ./scripts/dev/benchmark.sh store_breaker
#include <algorithm>
#include <atomic>
#include <cstdio>
#include <ctime>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "program/processes/postgresql_server.hpp"
#include "redis_breaker/benchmark/figure_table.hpp"
#include "redis_breaker/fallback_breaker.hpp"
#include "simple_breaker/circuit_breaker.hpp"
#include "store_breaker/cas_store.hpp"
#include "store_breaker/dynamodb/dynalite_for_test.hpp"
#include "store_breaker/dynamodb/dynamodb_store.hpp"
#include "store_breaker/memory/memory_store.hpp"
#include "store_breaker/postgresql/postgresql_store.hpp"
#include "store_breaker/shm/shm_store.hpp"
#include "store_breaker/tests/private_segment_for_test.hpp"
#ifdef LAB_HAS_MONGODB
#include "store_breaker/mongodb/mongodb_server_for_test.hpp"
#include "store_breaker/mongodb/mongodb_store.hpp"
#endif

using namespace cb;
using namespace std::chrono_literals;
using SteadyClock = std::chrono::steady_clock;

namespace {

constexpr int instances = 3;
constexpr int threads_each = 8;
constexpr int instances_that_must_learn = 10;
const Policy never_opens{.failure_threshold = 1'000'000};

struct Store {
  std::string title;
  std::function<std::shared_ptr<RecordStore>()> open;  // for one instance
  int failures_each = 20;                              // of 24 threads
  int trips = 5;
  std::function<void()> hang{}, resume{}, kill{};  // nothing: it has no server
};

double ms_since(SteadyClock::time_point began) {
  return std::chrono::duration<double, std::milli>(SteadyClock::now() - began).count();
}

void call(Breaker& breaker, Outcome outcome) {
  Admission admission = breaker.acquire();
  if (auto* permit = std::get_if<Permit>(&admission)) permit->settle(outcome);
}

// What one process has.
struct Instance {
  Instance(const Store& backend, const std::string& name, const Policy& policy = never_opens) {
    auto owned = std::make_unique<CasStore>(backend.open(), policy, CasStore::Settings{.instance = "instance"});
    store = owned.get();
    breaker = std::make_unique<FallbackBreaker>(std::make_shared<const SharedBreakerGroup>(std::move(owned), policy),
                                                Identity{name});
    call(*breaker, Outcome::success);
    while (!breaker->view().is_fresh()) std::this_thread::sleep_for(1ms);
  }
  bool is_local() const { return !breaker->detailed_status().store.error.empty(); }

  CasStore* store = nullptr;
  std::unique_ptr<FallbackBreaker> breaker;
};

using Fleet = std::vector<std::unique_ptr<Instance>>;

Fleet fleet_of(int count, const Store& backend, const std::string& name, const Policy& policy = never_opens) {
  Fleet fleet;
  for (int i = 0; i < count; ++i) fleet.push_back(std::make_unique<Instance>(backend, name, policy));
  return fleet;
}

// --- one thread

double thread_ns() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

// The best of 21 rounds, in the thread's time: what the work costs, not what the rest of the machine adds.
double healthy_call_ns(Breaker& breaker) {
  constexpr int calls = 200'000;
  double best = std::numeric_limits<double>::max();
  for (int round = 0; round < 21; ++round) {
    const double began = thread_ns();
    for (int i = 0; i < calls; ++i) call(breaker, Outcome::success);
    best = std::min(best, (thread_ns() - began) / calls);
  }
  return best;
}

double failing_call_us(Breaker& breaker) {
  std::vector<double> us;
  for (int i = 0; i < 200; ++i) {
    const auto began = SteadyClock::now();
    call(breaker, Outcome::failure);
    us.push_back(ms_since(began) * 1000);
  }
  return median(us);
}

// --- 24 threads that all fail

struct Storm {
  double tries_per_event = 0;
  uint64_t most_tries = 0;
  double events_per_second = 0;
};

Storm storm(int each, const std::vector<CasStore*>& stores, const std::function<void(int thread)>& fail) {
  const auto began = SteadyClock::now();
  {
    std::vector<std::jthread> running;
    for (int thread = 0; thread < instances * threads_each; ++thread)
      running.emplace_back([&, thread] {
        for (int n = 0; n < each; ++n) fail(thread);
      });
  }
  const double events = 1.0 * each * instances * threads_each;
  Storm storm{.events_per_second = events / ms_since(began) * 1000};
  uint64_t tries = 0;
  for (const CasStore* store : stores) {
    const auto counters = store->counters();
    tries += counters.exchanges + counters.conflicts;
    storm.most_tries = std::max(storm.most_tries, counters.most_tries);
  }
  storm.tries_per_event = static_cast<double>(tries) / events;
  return storm;
}

Storm storm_of_threads(const Store& backend) {
  Instance first(backend, "threads");
  const Event failure = Settle{{first.breaker->detailed_status().generation, 0}, {Outcome::failure}};
  const CasStore::Settings patient{.instance = "thread", .timeout = 20s};
  std::vector<std::unique_ptr<CasStore>> stores;
  std::vector<CasStore*> used;
  for (int i = 0; i < instances; ++i) {
    stores.push_back(std::make_unique<CasStore>(backend.open(), never_opens, patient));
    used.push_back(stores.back().get());
  }
  return storm(backend.failures_each, used,
               [&](int thread) { used[static_cast<size_t>(thread / threads_each)]->apply("threads", {}, {failure}); });
}

Storm storm_of_instances(const Store& backend) {
  const Fleet fleet = fleet_of(instances, backend, "instances");
  std::vector<CasStore*> used;
  for (const auto& each : fleet) used.push_back(each->store);
  return storm(backend.failures_each, used, [&](int thread) {
    call(*fleet[static_cast<size_t>(thread / threads_each)]->breaker, Outcome::failure);
  });
}

// --- the news

void wait_until_all_are(State state, const Fleet& fleet) {
  for (const auto& each : fleet) {
    while (each->breaker->known_state() != state) std::this_thread::sleep_for(20us);
  }
}

// From the failure that opens the circuit until ten instances reject.
double trip_ms(const Store& backend) {
  const Policy one_failure{.failure_threshold = 1, .recovery_timeout = 10min};
  const Fleet fleet = fleet_of(instances_that_must_learn, backend, "trip", one_failure);
  std::vector<double> ms;
  for (int trip = 0; trip < backend.trips; ++trip) {
    const auto began = SteadyClock::now();
    call(*fleet[static_cast<size_t>(trip) % fleet.size()]->breaker, Outcome::failure);
    wait_until_all_are(State::open, fleet);
    ms.push_back(ms_since(began));
    fleet.front()->breaker->apply_override({Mode::reset, "benchmark", ""}, 0ms);
    wait_until_all_are(State::closed, fleet);
  }
  return median(ms);
}

// From a NOTIFY until ten instances, which only listen, have it.
double bare_notify_ms(const std::string& url) {
  PostgresqlStore store(url);
  postgresql::Connection speaker(postgresql::parse_address(url), SteadyClock::now() + 10s);
  std::atomic<int> received{0};
  std::atomic<bool> is_over{false};
  std::vector<std::jthread> listeners;
  for (int i = 0; i < instances_that_must_learn; ++i) {
    listeners.emplace_back([&, watch = std::get<std::unique_ptr<RecordWatch>>(store.watch())] {
      while (!is_over) {
        const auto changes = watch->wait(SteadyClock::now() + 10s);
        received += static_cast<int>(std::get<std::vector<RecordChange>>(changes).size());
      }
    });
  }
  std::vector<double> ms;
  for (int round = 1; round <= 50; ++round) {
    is_over = round == 50;
    std::this_thread::sleep_for(5ms);  // until they wait: what they do first is not measured
    const auto began = SteadyClock::now();
    speaker.query("NOTIFY \"public.circuit_breakers\", 'x'", began + 10s);
    while (received < round * instances_that_must_learn) std::this_thread::sleep_for(20us);
    ms.push_back(ms_since(began));
  }
  return median(ms);
}

// --- the store dies

// The longest that a call waits, of those that follow until the instance has given up on the store.
double longest_wait_ms(const Store& backend, const std::string& name, const std::function<void()>& harm) {
  Instance instance(backend, name);
  harm();
  double longest = 0;
  for (int calls_after = 0; calls_after < 100; calls_after += instance.is_local() ? 1 : 0) {
    const auto began = SteadyClock::now();
    call(*instance.breaker, Outcome::failure);
    longest = std::max(longest, ms_since(began));
  }
  return longest;
}

// --- the table

struct Prices {
  double healthy_ns = 0, failing_us = 0, trip_ms = 0, interval_ms = 0;
  Storm threads{}, instances{};
};

Prices measure(const Store& store) {
  Instance healthy(store, "healthy"), failing(store, "failing");
  Prices prices{.healthy_ns = healthy_call_ns(*healthy.breaker), .failing_us = failing_call_us(*failing.breaker)};
  prices.threads = storm_of_threads(store);
  prices.instances = storm_of_instances(store);
  prices.trip_ms = trip_ms(store);
  prices.interval_ms = std::chrono::duration<double, std::milli>(store.open()->poll_interval()).count();
  std::printf("| %s | %.1f ns | %.0f us | %.2f, at most %llu; %.0f/s | %.2f, at most %llu; %.0f/s | %.2f ms |",
              store.title.c_str(), prices.healthy_ns, prices.failing_us, prices.threads.tries_per_event,
              static_cast<unsigned long long>(prices.threads.most_tries), prices.threads.events_per_second,
              prices.instances.tries_per_event, static_cast<unsigned long long>(prices.instances.most_tries),
              prices.instances.events_per_second, prices.trip_ms);
  if (store.hang) {
    std::printf(" %.0f ms |", longest_wait_ms(store, "hangs", store.hang));
    store.resume();
    std::printf(" %.0f ms |\n", longest_wait_ms(store, "dies", store.kill));
  } else {
    std::printf(" | |\n");
  }
  std::fflush(stdout);
  return prices;
}

class PriceList {
 public:
  explicit PriceList(double stage_1_ns) : stage_1_ns_(stage_1_ns) {
    std::printf("a healthy call of stage 1: %.1f ns\n\n", stage_1_ns);
    std::printf(
        "| store | healthy call | failing call | 24 threads by themselves: tries per event; events | combined by "
        "instance "
        "| trip until 10 reject | it hangs: a call waits | it is killed |\n|---|---|---|---|---|---|---|---|\n");
  }

  Prices add(const Store& store) {
    const Prices prices = measure(store);
    limit("a healthy call, in ns,", prices.healthy_ns, stage_1_ns_ + 10);
    limit("the number of tries", static_cast<double>(std::max(prices.threads.most_tries, prices.instances.most_tries)),
          30);
    limit("a trip until all reject, in ms,", prices.trip_ms, prices.interval_ms * 1.2 + 100);  // give or take a fifth
    return prices;
  }

  void limit(const char* what, double measured, double most) {
    if (measured <= most) return;
    is_exceeded_ = true;
    std::printf("TOO MUCH: %s is %.4g, and may be %.4g\n", what, measured, most);
  }

  bool is_exceeded() const { return is_exceeded_; }

 private:
  const double stage_1_ns_;
  bool is_exceeded_ = false;
};

void price_on_this_host(PriceList& list) {
  auto memory = std::make_shared<MemoryStore>();
  list.add({"`memory:`", [&] { return memory; }, 500, 50});
  const PrivateSegment segment;
  const Prices prices = list.add({"`shm:`", [&] { return std::make_shared<ShmStore>(segment.name); }, 500, 50});
  list.limit("a failing call in shm:, in us,", prices.failing_us, 5);
}

// Without waiting for the disk, a trip is compared with a bare NOTIFY, which never waits for it.
void price_postgresql(PriceList& list) {
  program::PrivatePostgresql server({"fsync=on"});
  const std::string without_disk = server.url() + "?options=-c%20synchronous_commit%3Doff";
  const double quick_trip_ms = trip_ms({"", [&] { return std::make_shared<PostgresqlStore>(without_disk); }, 0, 50});
  const double notify_ms = bare_notify_ms(server.url());
  const auto open = [&] { return std::make_shared<PostgresqlStore>(server.url()); };
  list.add({"`postgresql:`", open, 20, 50, [&] { server.hang(); }, [&] { server.resume(); }, [&] { server.kill(); }});
  std::printf("| without waiting for its disk | | | bare NOTIFY to 10: %.2f ms | | %.2f ms | | |\n", notify_ms,
              quick_trip_ms);
  list.limit("a trip, in bare NOTIFYs,", quick_trip_ms / notify_ms, 3);
}

void price_dynamodb(PriceList& list) {
  Dynalite server;
  const DynamodbAddress address = server.address("benchmark");
  const auto open = [&] { return std::make_shared<DynamodbStore>(address, any_credentials()); };
  const auto send = [&](int signal) { return [&server, signal] { server.send_signal(signal); }; };
  list.add({"`dynamodb:` (dynalite)", open, 20, 5, [&] { server.hang(); }, send(SIGCONT), send(SIGKILL)});
}

void price_mongodb([[maybe_unused]] PriceList& list) {
#ifdef LAB_HAS_MONGODB
  auto server = std::make_unique<MongodbServer>();
  const auto open = [url = server->url()] { return std::make_shared<MongodbStore>(url); };
  const auto hang = [&](bool hangs) { return [&server, hangs] { server->hang_from_now_on(hangs); }; };
  list.add({"`mongodb:` (stand-in)", open, 20, 5, hang(true), hang(false), [&] { server.reset(); }});
#endif
}

}  // namespace

int main() try {
  CircuitBreaker in_memory{Policy{}};
  PriceList list(healthy_call_ns(in_memory));
  for (const auto price : {price_on_this_host, price_postgresql, price_dynamodb, price_mongodb}) price(list);
  return list.is_exceeded() ? 1 : 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "store_breaker_benchmark: %s\n", error.what());
  return 1;
}
