// What a breaker in shared memory costs beside the breaker in memory, and what optimism costs where many write.
//   ./scripts/dev/benchmark.sh store_breaker
// Times are of the calling thread, so other programs on this machine do not count.
#include <atomic>
#include <ctime>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "redis_breaker/benchmark/figure_table.hpp"
#include "redis_breaker/fallback_breaker.hpp"
#include "simple_breaker/circuit_breaker.hpp"
#include "store_breaker/cas_store.hpp"
#include "store_breaker/shm/shm_store.hpp"
#include "store_breaker/tests/private_segment_for_test.hpp"

using namespace cb;
using namespace std::chrono_literals;

namespace {

constexpr int instances = 3;
constexpr int threads_each = 8;
const Policy never_opens{.failure_threshold = 1'000'000};

double thread_ns() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

// The best of 21 rounds: what the work costs, not what the rest of the machine adds.
double ns_each(int calls, const std::function<void()>& call) {
  double best = std::numeric_limits<double>::max();
  for (int round = 0; round < 21; ++round) {
    const double began = thread_ns();
    for (int i = 0; i < calls; ++i) call();
    best = std::min(best, (thread_ns() - began) / calls);
  }
  return best;
}

void call(Breaker& breaker, Outcome outcome) {
  Admission admission = breaker.acquire();
  if (auto* permit = std::get_if<Permit>(&admission)) permit->settle(outcome);
}

// As far away as a server: each request takes some time.
class Distant final : public RecordStore {
 public:
  Distant(const std::string& segment, std::chrono::microseconds distance) : store_(segment), distance_(distance) {}

  std::variant<Found, StoreTrouble> read(const std::string& breaker, StoreDeadline deadline) override {
    std::this_thread::sleep_for(distance_);
    return store_.read(breaker, deadline);
  }
  std::variant<Written, StoreTrouble> compare_and_set(const std::string& breaker, uint64_t expected,
                                                      const Record& record, StoreDeadline deadline) override {
    std::this_thread::sleep_for(distance_);
    return store_.compare_and_set(breaker, expected, record, deadline);
  }
  std::variant<std::unique_ptr<RecordWatch>, StoreTrouble> watch() override { return store_.watch(); }
  std::chrono::milliseconds poll_interval() const override { return store_.poll_interval(); }
  std::string name() const override { return store_.name(); }

 private:
  ShmStore store_;
  const std::chrono::microseconds distance_;
};

std::unique_ptr<CasStore> cas_store(const std::string& segment, const Policy& policy,
                                    std::chrono::microseconds distance) {
  std::shared_ptr<RecordStore> records;
  if (distance.count() > 0) {
    records = std::make_shared<Distant>(segment, distance);
  } else {
    records = std::make_shared<ShmStore>(segment);
  }
  return std::make_unique<CasStore>(records, policy, CasStore::Settings{.instance = "instance", .timeout = 10s});
}

// One instance, with a separate mapping, as another process has.
struct Instance {
  explicit Instance(const std::string& segment, const Policy& policy = never_opens,
                    std::chrono::microseconds distance = 0us) {
    auto owned = cas_store(segment, policy, distance);
    store = owned.get();
    breaker = std::make_unique<FallbackBreaker>(std::make_shared<const SharedBreakerGroup>(std::move(owned), policy),
                                                Identity{"payments"});
    call(*breaker, Outcome::success);
    while (!breaker->view().is_fresh()) std::this_thread::sleep_for(1ms);
  }
  CasStore* store = nullptr;
  std::unique_ptr<FallbackBreaker> breaker;
};

void measure_calls(FigureTable& table) {
  table.begin("One thread's time for a call");
  CircuitBreaker in_memory{Policy{}};
  const double stage_1 = ns_each(200'000, [&] { call(in_memory, Outcome::success); });
  const PrivateSegment healthy, failing;
  Instance shared(healthy.name);
  const double stage_4 = ns_each(200'000, [&] { call(*shared.breaker, Outcome::success); });
  table.add("healthy, in memory (stage 1)", {stage_1, "ns", 1});
  table.add("healthy, shm:", {stage_4, "ns", 1}, stage_1 + 10);
  Instance broken(failing.name);
  table.add("failing, shm:", {ns_each(2'000, [&] { call(*broken.breaker, Outcome::failure); }) / 1000, "us", 2}, 5);
}

struct Storm {
  double events = 0;
  double conflicts = 0;
  double most_tries = 0;
  double seconds = 0;
};

Storm storm(const std::vector<CasStore*>& stores, int each, const std::function<void(int instance, int thread)>& fail) {
  const auto began = std::chrono::steady_clock::now();
  {
    std::vector<std::jthread> running;
    for (int i = 0; i < instances * threads_each; ++i) {
      running.emplace_back([&, i] {
        for (int n = 0; n < each; ++n) fail(i / threads_each, i);
      });
    }
  }
  Storm storm{.events = 1.0 * each * instances * threads_each,
              .seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count()};
  for (const CasStore* store : stores) {
    storm.conflicts += static_cast<double>(store->counters().conflicts);
    storm.most_tries = std::max(storm.most_tries, static_cast<double>(store->counters().most_tries));
  }
  return storm;
}

void add(FigureTable& table, const std::string& who, const Storm& storm, std::optional<double> most_tries = {}) {
  table.add(who + ": conflicts for each event", {storm.conflicts / storm.events, "", 4});
  table.add(who + ": most tries of one exchange", {storm.most_tries, ""}, most_tries);
  table.add(who + ": events a second", {storm.events / storm.seconds, ""});
}

Storm storm_of_threads(int each, std::chrono::microseconds distance) {
  const PrivateSegment segment;
  Instance first(segment.name);  // creates the record
  const Event failure = Settle{{first.breaker->detailed_status().generation, 0}, {Outcome::failure}};
  std::vector<std::unique_ptr<CasStore>> stores;
  std::vector<CasStore*> used;
  for (int i = 0; i < instances * threads_each; ++i) {
    stores.push_back(cas_store(segment.name, never_opens, distance));
    used.push_back(stores.back().get());
  }
  return storm(used, each,
               [&](int, int thread) { used[static_cast<size_t>(thread)]->apply("payments", {}, {failure}); });
}

Storm storm_of_instances(int each, std::chrono::microseconds distance) {
  const PrivateSegment segment;
  std::vector<std::unique_ptr<Instance>> fleet;
  std::vector<CasStore*> used;
  for (int i = 0; i < instances; ++i) {
    fleet.push_back(std::make_unique<Instance>(segment.name, never_opens, distance));
    used.push_back(fleet.back()->store);
  }
  return storm(used, each,
               [&](int instance, int) { call(*fleet[static_cast<size_t>(instance)]->breaker, Outcome::failure); });
}

void measure_conflicts(FigureTable& table) {
  table.begin("24 threads of 3 instances, all failing, shm:");
  add(table, "each thread by itself", storm_of_threads(500, 0us), 30);
  add(table, "combined by instance", storm_of_instances(500, 0us), 30);
  table.begin("The same, with a store half a millisecond away");
  add(table, "each thread by itself", storm_of_threads(20, 500us));
  add(table, "combined by instance", storm_of_instances(20, 500us), 30);
}

// From the failure that opens the circuit until another instance rejects.
void measure_pushes(FigureTable& table) {
  std::vector<double> us;
  for (int round = 0; round < 50; ++round) {
    const PrivateSegment segment;
    const Policy one_failure{.failure_threshold = 1, .recovery_timeout = 60s};
    Instance a(segment.name, one_failure), b(segment.name, one_failure);
    const auto began = std::chrono::steady_clock::now();
    call(*a.breaker, Outcome::failure);
    while (b.breaker->known_state() != State::open) std::this_thread::yield();
    us.push_back(std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - began).count());
  }
  table.begin("From the trip until another instance rejects");
  table.add("median", {median(us), "us"});
  table.add("90th percentile", {percentile(us, 90), "us"});
}

}  // namespace

int main() {
  FigureTable table;
  measure_calls(table);
  measure_conflicts(table);
  measure_pushes(table);
}
