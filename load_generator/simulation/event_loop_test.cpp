#include "load_generator/simulation/event_loop.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "load_generator/simulation/random.hpp"

using namespace simulation;
using namespace std::chrono_literals;

namespace {

constexpr TimePoint start{1h};

Task say_after(EventLoop& loop, microseconds wait, std::string& said, const char* what) {
  co_await loop.sleep(wait);
  said += what;
}

Task wait_for(Answer<int>& answer, int& got) { got = co_await answer.given(); }

// A resource that a coroutine holds while it waits.
struct Held {
  explicit Held(int& held) : count(held) { ++count; }
  ~Held() { --count; }
  Held(const Held&) = delete;
  int& count;
};

Task hold_for_ever(EventLoop& loop, int& held) {
  const Held one(held);
  Answer<int> never(loop);
  co_await never.given();
}

}  // namespace

TEST_CASE("a queue gives events by time, those of one instant as they were added, however far apart they are") {
  Random random(7);
  EventQueue<int> queue;
  std::vector<std::pair<TimePoint, int>> expected, given;
  TimePoint now = start;
  for (int added = 0; added < 3000; now += random.between(0us, 900us)) {
    for (uint64_t count = random.below(5); count > 0; --count) {
      const TimePoint at = now + microseconds(random.below(uint64_t{1} << random.below(31)));
      queue.add({at, added});
      expected.emplace_back(at, added++);
    }
    while (const auto* event = queue.next(now)) given.emplace_back(event->at, event->what);
    CHECK(std::all_of(given.begin(), given.end(), [now](const auto& each) { return each.first <= now; }));
  }
  while (const auto* event = queue.next(TimePoint::max())) given.emplace_back(event->at, event->what);
  std::stable_sort(expected.begin(), expected.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  CHECK(given == expected);
}

TEST_CASE("events happen in the order of their times, and of scheduling within one instant") {
  EventLoop loop(start);
  std::string said;
  say_after(loop, 2s, said, "c");
  say_after(loop, 1s, said, "a");
  loop.after(1s, [&] { said += "b"; });
  loop.run_until(start + 1s);
  CHECK(said == "ab");
  CHECK(loop.now() == start + 1s);
  loop.run_until(start + 3s);
  CHECK(said == "abc");
  CHECK(loop.now() == start + 3s);
}

TEST_CASE("what is scheduled for the past happens now, after what was scheduled before it") {
  EventLoop loop(start);
  std::string said;
  loop.after(1s, [&] {
    loop.at(start, [&] { said += "b"; });
    said += "a";
  });
  loop.run_until(start + 1s);
  CHECK(said == "ab");
}

TEST_CASE("an answer is the first that is given, before or after it is awaited") {
  EventLoop loop(start);
  Answer<int> answer(loop);
  int got = 0;
  SUBCASE("after") {
    wait_for(answer, got);
    CHECK(got == 0);
    answer.give(1);
  }
  SUBCASE("before") {
    answer.give(1);
    wait_for(answer, got);
  }
  answer.give(2);
  loop.run_until(start);
  CHECK(got == 1);
}

TEST_CASE("what still waits when the loop ends is ended too") {
  int held = 0;
  {
    EventLoop loop(start);
    hold_for_ever(loop, held);
    hold_for_ever(loop, held);
    loop.run_until(start + 1s);
    CHECK(held == 2);
  }
  CHECK(held == 0);
}
