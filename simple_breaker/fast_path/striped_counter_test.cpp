#include "simple_breaker/fast_path/striped_counter.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

using namespace cb;

namespace {

constexpr auto present = [] { return true; };
constexpr auto over = [] { return false; };

}  // namespace

// Generations are times in microseconds. The older one lasted for a moment, for half a day, or for a year.
TEST_CASE("an increment of an older generation is never counted for a newer one, however long the older one lasted") {
  using std::chrono::hours, std::chrono::microseconds;
  constexpr uint64_t first = 1795697341008617;
  for (const microseconds lasted : {microseconds(1), microseconds(hours(12)), microseconds(hours(24 * 365))}) {
    CAPTURE(lasted.count());
    const uint64_t second = first + static_cast<uint64_t>(lasted.count());
    StripedCounter displaced, taken;
    for (StripedCounter* counter : {&displaced, &taken}) {
      CHECK(counter->add_one(first, present).counted);
      CHECK(counter->add_one(first, present).counted);
    }
    CHECK(displaced.add_one(second, present).older == 2);
    CHECK_FALSE(displaced.add_one(first, over).counted);
    CHECK(displaced.take(second).count == 1);
    const auto apart = taken.take(second);
    CHECK(apart.count == 0);
    CHECK(apart.older == 2);
    CHECK(taken.add_one(second, present).counted);
  }
}

// An increment of a generation that is over would be one too many for the next one.
TEST_CASE("a counter that is full counts no more until it is taken, and does not wrap") {
  BasicStripedCounter<4> counter;
  for (int i = 0; i < 15; ++i) CHECK(counter.add_one(7, present).counted);
  CHECK_FALSE(counter.add_one(7, present).counted);
  CHECK(counter.take(7).count == 15);
  CHECK(counter.add_one(7, present).counted);
}

TEST_CASE(
    "of many threads that count while generations change, each increment is returned once, for its own generation") {
  constexpr uint64_t last = 200;
  constexpr int threads = 4;
  StripedCounter counter;
  std::atomic<uint64_t> generation{1};
  std::vector<std::atomic<int64_t>> outstanding(last + 1);  // counted minus taken
  std::atomic<int64_t> counted{0}, older{0};
  std::vector<std::jthread> workers;
  for (int thread = 0; thread < threads; ++thread) {
    workers.emplace_back([&] {
      for (uint64_t mine = generation; mine < last; mine = generation) {
        ++outstanding[mine];  // before: it may be taken at once
        const auto added = counter.add_one(mine, [&] { return generation == mine; });
        if (!added.counted) --outstanding[mine];
        counted += added.counted ? 1 : 0;
        older += added.older;
      }
    });
  }
  int64_t taken_in_time = 0;
  for (uint64_t now = 1; now <= last; generation = ++now) {
    for (int i = 0; i < 50; ++i) {
      const auto taken = counter.take(now);
      outstanding[now] -= taken.count;
      taken_in_time += taken.count;
      older += taken.older;
      CHECK(outstanding[now] >= 0);  // otherwise increments of another generation were among them
    }
  }
  workers.clear();
  const auto rest = counter.take(last + 1);
  CHECK(taken_in_time + older + rest.older == counted);
}
