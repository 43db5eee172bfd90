#include "simple_breaker/fast_path/striped_counter.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <thread>
#include <vector>

using namespace cb;

TEST_CASE("an increment of an older generation is never counted for a newer one") {
  StripedCounter counter;
  CHECK(counter.add_one(100).counted);
  CHECK(counter.add_one(100).counted);
  SUBCASE("the newer one's first increment displaces it") {
    const auto added = counter.add_one(200);
    CHECK(added.counted);
    CHECK(added.older == 2);
    CHECK_FALSE(counter.add_one(100).counted);
    CHECK(counter.take(200).count == 1);
  }
  SUBCASE("a take for the newer one returns it apart") {
    const auto taken = counter.take(200);
    CHECK(taken.count == 0);
    CHECK(taken.older == 2);
  }
  SUBCASE("a take for an older one leaves it") {
    CHECK(counter.take(50).count == 0);
    CHECK(counter.take(100).count == 2);
  }
  CHECK(counter.is_empty());
}

// An increment of a generation that is over would be one too many for the next one.
TEST_CASE("a counter that is full counts no more until it is taken, and does not wrap") {
  BasicStripedCounter<4> counter;
  for (int i = 0; i < 15; ++i) CHECK(counter.add_one(7).counted);
  CHECK_FALSE(counter.add_one(7).counted);
  CHECK(counter.take(7).count == 15);
  CHECK(counter.add_one(7).counted);
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
        const auto added = counter.add_one(mine);
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
