#include "distributed_breaker/resilience/bulkhead.hpp"

#include <doctest/doctest.h>
#include <pthread.h>

#include <atomic>
#include <chrono>
#include <latch>
#include <thread>
#include <vector>

#include "distributed_breaker/resilience/call_policy.hpp"
#include "distributed_breaker/resilience/deadline.hpp"
#include "program/wait_until.hpp"

using namespace cb;
using namespace std::chrono_literals;

namespace {

using Counts = Bulkhead::Counts;
const Deadline no_deadline;

CallPolicy slots_and_places(int slots, int places) {
  return {.max_concurrent_calls = slots, .max_queued_calls = places};
}

void wait_until_queued(const Bulkhead& bulkhead, size_t queued) {
  REQUIRE(program::wait_until([&] { return bulkhead.counts().queued == queued; }, 30s));
}

}  // namespace

TEST_CASE("without a bulkhead every call enters and is counted") {
  Bulkhead bulkhead(CallPolicy{});
  const auto first = bulkhead.enter(no_deadline);
  const auto second = bulkhead.enter(no_deadline);
  CHECK(second.has_value());
  CHECK(bulkhead.counts() == Counts{2, 0});
}

TEST_CASE("without a queue a call that finds no slot is refused at once") {
  Bulkhead bulkhead(slots_and_places(1, 0));
  {
    const auto slot = bulkhead.enter(no_deadline);
    REQUIRE(slot.has_value());
    CHECK(!bulkhead.enter(no_deadline).has_value());
  }
  CHECK(bulkhead.counts() == Counts{0, 0});
  CHECK(bulkhead.enter(no_deadline).has_value());
}

TEST_CASE("a moved slot is freed once") {
  Bulkhead bulkhead(slots_and_places(2, 0));
  auto slot = bulkhead.enter(no_deadline);
  {
    const Bulkhead::Slot moved = std::move(*slot);
    slot.reset();
    CHECK(bulkhead.counts() == Counts{1, 0});
  }
  CHECK(bulkhead.counts() == Counts{0, 0});
}

TEST_CASE("a waiting call leaves the queue at its deadline and does not take the slot that is freed later") {
  Bulkhead bulkhead(slots_and_places(1, 1));
  {
    const auto slot = bulkhead.enter(no_deadline);
    CHECK(!bulkhead.enter(Deadline::in(20ms)).has_value());
    CHECK(bulkhead.counts() == Counts{1, 0});
  }
  CHECK(bulkhead.enter(no_deadline).has_value());
}

TEST_CASE("waiting calls enter in the order in which they came") {
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

TEST_CASE("a freed slot goes to the waiting call, and a new call cannot overtake it") {
  Bulkhead bulkhead(slots_and_places(1, 1));
  auto slot = bulkhead.enter(no_deadline);
  std::latch may_leave(1);
  std::jthread waiter([&] {
    const auto own = bulkhead.enter(no_deadline);
    may_leave.wait();
  });
  wait_until_queued(bulkhead, 1);
  slot.reset();
  CHECK(bulkhead.counts() == Counts{1, 0});  // even if the waiter is not awake yet
  CHECK(!bulkhead.enter(Deadline(SteadyTime::min())).has_value());
  may_leave.count_down();
}

TEST_CASE("a thread that is cancelled while its call waits has its turn first, and frees its slot") {
  Bulkhead bulkhead(slots_and_places(1, 2));
  auto slot = bulkhead.enter(no_deadline);
  std::atomic<bool> has_entered = false;
  std::thread cancelled([&] {
    const auto own = bulkhead.enter(no_deadline);
    has_entered = own.has_value();
  });
  wait_until_queued(bulkhead, 1);
  pthread_cancel(cancelled.native_handle());
  std::thread next([&] { CHECK(bulkhead.enter(Deadline::in(1h)).has_value()); });
  wait_until_queued(bulkhead, 2);
  slot.reset();
  cancelled.join();
  next.join();
  CHECK(has_entered);
  CHECK(bulkhead.counts() == Counts{0, 0});
}

TEST_CASE("a slot does not go to a waiting call that has less time left than an attempt needs") {
  Bulkhead bulkhead(slots_and_places(1, 3));
  auto slot = bulkhead.enter(no_deadline);
  std::atomic<int> too_late{0};
  std::jthread first([&] { too_late += bulkhead.enter(Deadline::in(1h)) ? 0 : 1; });
  wait_until_queued(bulkhead, 1);
  std::jthread second([&] { too_late += bulkhead.enter(Deadline::in(3h)) ? 10 : 0; });
  wait_until_queued(bulkhead, 2);
  bulkhead.no_answer_within(30min);  // so an attempt needs more: an hour
  slot.reset();
  first.join();
  second.join();
  CHECK(too_late == 11);  // the first one is refused, and the second one gets the slot
  CHECK(bulkhead.counts() == Counts{0, 0});
}

TEST_CASE("a call that has too little time does not queue, but takes a free slot") {
  Bulkhead bulkhead(slots_and_places(1, 1));
  bulkhead.no_answer_within(1h);
  const auto slot = bulkhead.enter(Deadline::in(1h));
  CHECK(slot.has_value());
  CHECK(!bulkhead.enter(Deadline::in(1h)).has_value());  // at once: the slot is never freed
}

TEST_CASE("attempts at a hung upstream get ever more time, until their timeouts count as failures") {
  TimeNeeded needed;
  needed.attempt_took(10ms);
  int cut_short = 0;
  for (; needed.get() < 500ms; ++cut_short) needed.no_answer_within(needed.get());
  CHECK(cut_short == 6);  // half of a timeout of 1 s is evidence
}

TEST_CASE("an attempt needs as long as the slow ones took lately, and one quick answer does not hide them") {
  TimeNeeded needed;
  CHECK(needed.get() == 0ms);
  needed.attempt_took(100ms);
  needed.attempt_took(20ms);
  CHECK(needed.get() == 60ms);
  needed.attempt_took(100ms);
  CHECK(needed.get() == 100ms);
  for (int i = 0; i < 20; ++i) needed.attempt_took(10ms);
  CHECK(needed.get() < 11ms);
}

namespace {

// The counts of `threads` callers that enter `calls` times each.
struct Load {
  static constexpr int threads = 16, calls = 100;
  std::atomic<int> running{0}, most_running{0}, entered{0}, refused{0};
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
    raise(most_running, ++running);
    if (++entered % 8 == 0) std::this_thread::yield();  // so that calls overlap; on a busy machine a yield takes long
    --running;
  }

  void run(Bulkhead& bulkhead, std::chrono::microseconds timeout) {
    std::vector<std::jthread> callers;
    for (int i = 0; i < threads; ++i) {
      callers.emplace_back([this, &bulkhead, timeout] {
        for (int k = 0; k < calls; ++k) {
          const bool waits = timeout != 0us;
          call(bulkhead, waits ? Deadline(std::chrono::steady_clock::now() + k % 4 * timeout) : Deadline());
        }
      });
    }
  }
};

}  // namespace

TEST_CASE("under load no more calls run than there are slots, no more wait than there are places, and none is lost") {
  struct Case {
    int slots, places;
    std::chrono::microseconds timeout;
  };
  constexpr int total = Load::threads * Load::calls;
  for (const auto& [slots, places, timeout] :
       {Case{3, 5, 0us}, {3, Load::threads - 3, 0us}, {2, Load::threads, 20us}}) {
    Bulkhead bulkhead(slots_and_places(slots, places));
    Load load;
    load.run(bulkhead, timeout);
    CHECK(load.most_running <= slots);
    CHECK(load.most_queued <= static_cast<size_t>(places));
    CHECK(load.entered + load.refused == total);
    const bool all_have_a_place = slots + places >= Load::threads && timeout == 0us;
    if (all_have_a_place) CHECK(load.refused == 0);
    CHECK(bulkhead.counts() == Counts{0, 0});
  }
}
