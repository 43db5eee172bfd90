#include "distributed_breaker/resilience/bulkhead.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <latch>
#include <thread>
#include <vector>

#include "distributed_breaker/resilience/call_policy.hpp"
#include "distributed_breaker/resilience/deadline.hpp"

using namespace cb;
using namespace std::chrono_literals;

namespace {

using Counts = Bulkhead::Counts;
const Deadline no_deadline;

CallPolicy slots_and_places(int slots, int places) {
  return {.max_concurrent_calls = slots, .max_queued_calls = places};
}

void wait_until_queued(const Bulkhead& bulkhead, size_t queued) {
  while (bulkhead.counts().queued != queued) std::this_thread::yield();
}

}  // namespace

TEST_CASE("without a bulkhead everybody enters, and is counted") {
  Bulkhead bulkhead(CallPolicy{});
  const auto first = bulkhead.enter(no_deadline);
  const auto second = bulkhead.enter(no_deadline);
  CHECK(second.has_value());
  CHECK(bulkhead.counts() == Counts{2, 0});
}

TEST_CASE("without a queue, who finds no slot is refused at once") {
  Bulkhead bulkhead(slots_and_places(1, 0));
  {
    const auto slot = bulkhead.enter(no_deadline);
    REQUIRE(slot.has_value());
    CHECK(!bulkhead.enter(no_deadline).has_value());
  }
  CHECK(bulkhead.counts() == Counts{0, 0});
  CHECK(bulkhead.enter(no_deadline).has_value());
}

TEST_CASE("a moved slot is given back once") {
  Bulkhead bulkhead(slots_and_places(2, 0));
  auto slot = bulkhead.enter(no_deadline);
  {
    const Bulkhead::Slot moved = std::move(*slot);
    slot.reset();
    CHECK(bulkhead.counts() == Counts{1, 0});
  }
  CHECK(bulkhead.counts() == Counts{0, 0});
}

TEST_CASE("who waits leaves the queue at its deadline, and the slot that comes later is not lost on it") {
  Bulkhead bulkhead(slots_and_places(1, 1));
  {
    const auto slot = bulkhead.enter(no_deadline);
    CHECK(!bulkhead.enter(Deadline::in(20ms)).has_value());
    CHECK(bulkhead.counts() == Counts{1, 0});
  }
  CHECK(bulkhead.enter(no_deadline).has_value());
}

TEST_CASE("who waited first enters first") {
  Bulkhead bulkhead(slots_and_places(1, 3));
  auto slot = bulkhead.enter(no_deadline);
  std::vector<int> order;  // guarded by the slot
  {
    std::vector<std::jthread> waiters;
    for (int waiter = 1; waiter <= 3; ++waiter) {
      waiters.emplace_back([&, waiter] {
        const auto own = bulkhead.enter(no_deadline);
        order.push_back(waiter);
      });
      wait_until_queued(bulkhead, static_cast<size_t>(waiter));
    }
    slot.reset();
  }
  CHECK(order == std::vector{1, 2, 3});
}

TEST_CASE("a slot given back belongs to who waits, and a newcomer cannot overtake") {
  Bulkhead bulkhead(slots_and_places(1, 1));
  auto slot = bulkhead.enter(no_deadline);
  std::latch may_leave(1);
  std::jthread waiter([&] {
    const auto own = bulkhead.enter(no_deadline);
    may_leave.wait();
  });
  wait_until_queued(bulkhead, 1);
  slot.reset();
  CHECK(bulkhead.counts() == Counts{1, 0});  // whether the waiter is awake yet or not
  CHECK(!bulkhead.enter(Deadline(SteadyTime::min())).has_value());
  may_leave.count_down();
}

namespace {

// What `threads` callers saw that entered `calls` times each.
struct Crowd {
  static constexpr int threads = 16, calls = 400;
  std::atomic<int> inside{0}, most_inside{0}, entered{0}, refused{0};
  std::atomic<size_t> most_queued{0};

  template <class Number>
  static void raise(std::atomic<Number>& highest, Number value) {
    Number seen = highest;
    while (seen < value && !highest.compare_exchange_weak(seen, value)) {
    }
  }

  void call(Bulkhead& bulkhead, const Deadline& deadline) {
    const auto slot = bulkhead.enter(deadline);
    raise(most_queued, bulkhead.counts().queued);
    if (!slot) return void(++refused);
    raise(most_inside, ++inside);
    ++entered;
    std::this_thread::yield();  // or the first would be gone before the second comes
    --inside;
  }

  void run(Bulkhead& bulkhead, std::chrono::microseconds patience) {
    std::vector<std::jthread> callers;
    for (int i = 0; i < threads; ++i) {
      callers.emplace_back([this, &bulkhead, patience] {
        for (int k = 0; k < calls; ++k) {
          const bool waits = patience != 0us;
          call(bulkhead, waits ? Deadline(std::chrono::steady_clock::now() + k % 4 * patience) : Deadline());
        }
      });
    }
  }
};

}  // namespace

TEST_CASE("in a crowd there are never more inside than slots, nor more waiting than places, and each call is told") {
  Bulkhead bulkhead(slots_and_places(3, 5));
  Crowd crowd;
  crowd.run(bulkhead, 0us);
  CHECK(crowd.most_inside <= 3);
  CHECK(crowd.most_queued <= 5);
  CHECK(crowd.entered + crowd.refused == Crowd::threads * Crowd::calls);
  CHECK(bulkhead.counts() == Counts{0, 0});
}

TEST_CASE("where the queue has a place for each, nobody is refused and nobody is forgotten") {
  Bulkhead bulkhead(slots_and_places(3, Crowd::threads - 3));
  Crowd crowd;
  crowd.run(bulkhead, 0us);
  CHECK(crowd.most_inside <= 3);
  CHECK(crowd.entered == Crowd::threads * Crowd::calls);
  CHECK(bulkhead.counts() == Counts{0, 0});
}

TEST_CASE("no slot is lost where deadlines pass while slots are handed over") {
  Bulkhead bulkhead(slots_and_places(2, Crowd::threads));
  Crowd crowd;
  crowd.run(bulkhead, 20us);
  CHECK(crowd.most_inside <= 2);
  CHECK(crowd.entered + crowd.refused == Crowd::threads * Crowd::calls);
  CHECK(bulkhead.counts() == Counts{0, 0});
}
