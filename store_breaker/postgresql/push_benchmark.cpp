// Measures how soon a fleet knows that a circuit has opened: from the start of the exchange that opens it until the
// last of ten instances has the new record, compared with a bare NOTIFY to the same instances. Prints medians, in
// milliseconds. Exits with 1 if an exchange takes more than three times a bare NOTIFY.
#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <exception>
#include <functional>
#include <latch>
#include <thread>

#include "program/processes/postgresql_server.hpp"
#include "store_breaker/postgresql/postgresql_store.hpp"

namespace cb {
namespace {

using std::chrono::steady_clock;

constexpr int instances = 10;
constexpr int rounds = 200;
constexpr double most_times_a_notify = 3;

StoreDeadline in_ten_seconds() { return steady_clock::now() + std::chrono::seconds(10); }

template <class T, class Value>
T value_of(std::variant<Value, StoreTrouble> result) {
  if (const auto* trouble = std::get_if<StoreTrouble>(&result)) throw std::runtime_error(trouble->what);
  return std::get<Value>(std::move(result));
}

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

// Instances that listen, each on its thread.
class Listeners {
 public:
  explicit Listeners(RecordStore& store) {
    for (int i = 0; i < instances; ++i) watches_.push_back(value_of<std::unique_ptr<RecordWatch>>(store.watch()));
  }

  // Milliseconds from the start of `announce` until the last one was notified.
  double time(const std::function<void()>& announce) {
    std::latch ready(instances + 1);
    std::vector<std::jthread> threads;
    for (const auto& watch : watches_)
      threads.emplace_back([&] {
        value_of<std::vector<RecordChange>>(watch->wait({}));  // its question is answered: it waits for changes only
        ready.arrive_and_wait();
        value_of<std::vector<RecordChange>>(watch->wait(in_ten_seconds()));
      });
    ready.arrive_and_wait();
    std::this_thread::sleep_for(std::chrono::milliseconds(2));  // until they wait: what they do first is not measured
    const auto began = steady_clock::now();
    announce();
    threads.clear();  // joins
    return std::chrono::duration<double, std::milli>(steady_clock::now() - began).count();
  }

 private:
  std::vector<std::unique_ptr<RecordWatch>> watches_;
};

// What a CasStore does to open a circuit.
void open_circuit(RecordStore& store, uint64_t version) {
  Found found = value_of<Found>(store.read("payments", in_ten_seconds()));
  const uint64_t expected = found.version;
  found.record.version = version;
  found.record.snapshot.state = State::open;
  found.record.snapshot.generation += 1;
  value_of<Written>(store.compare_and_set("payments", expected, found.record, in_ten_seconds()));
}

bool measure(const std::string& fsync) {
  const program::PrivatePostgresql server({"fsync=" + fsync});
  PostgresqlStore store(server.url());
  Listeners listeners(store);
  postgresql::Connection plain(postgresql::parse_address(server.url()), in_ten_seconds());
  std::vector<double> notify, trip;
  for (int round = 1; round <= rounds; ++round) {
    notify.push_back(listeners.time([&] { plain.query("NOTIFY \"public.circuit_breakers\", 'x'", in_ten_seconds()); }));
    trip.push_back(listeners.time([&] { open_circuit(store, static_cast<uint64_t>(round)); }));
  }
  const double times = median(trip) / median(notify);
  std::printf("fsync %-4s  bare NOTIFY %7.3f ms   trip until all have it %7.3f ms   %4.1f times, at most %.0f\n",
              fsync.c_str(), median(notify), median(trip), times, most_times_a_notify);
  return times <= most_times_a_notify;
}

}  // namespace
}  // namespace cb

int main() try {
  const bool without_disk = cb::measure("off");
  return cb::measure("on") && without_disk ? 0 : 1;
} catch (const std::exception& error) {
  std::fprintf(stderr, "postgresql_push_benchmark: %s\n", error.what());
  return 1;
}
