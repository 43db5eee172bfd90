#include "simple_breaker/policies/sliding_window.hpp"

#include <doctest/doctest.h>

#include <deque>
#include <random>

#include "simple_breaker/policies/failure_counts.hpp"

using namespace cb;
using namespace std::chrono_literals;

namespace {

constexpr auto size = 1000ms;

void count_at(SlidingWindow& window, TimePoint now, const CallCounts& counts) {
  move_to(window, bucket_at(now, size));
  add(window, counts);
}

double failure_rate(const CallCounts& counts) {
  return static_cast<double>(counts.failures) / static_cast<double>(counts.calls);
}

}  // namespace

TEST_CASE("the window counts exactly the calls of the newest ten buckets, whatever the traffic") {
  struct Call {
    int64_t bucket;
    CallCounts counts;
  };
  std::mt19937 random(1);
  SlidingWindow window;
  std::deque<Call> calls;
  TimePoint now{1'000'000s};
  for (int i = 0; i < 100'000; ++i) {
    now += std::chrono::microseconds(random() % 64 == 0 ? random() % 3'000'000 : random() % 30'000);
    const unsigned kind = static_cast<unsigned>(random()) % 4;
    const CallCounts one{1, kind & 1, kind >> 1};
    count_at(window, now, one);
    calls.push_back({bucket_at(now, size), one});
    while (calls.front().bucket + SlidingWindow::buckets <= calls.back().bucket) calls.pop_front();
    CallCounts expected;
    for (const Call& call : calls) {
      expected.calls += 1;
      expected.failures += call.counts.failures;
      expected.slow += call.counts.slow;
    }
    REQUIRE(total(window) == expected);
  }
}

TEST_CASE("for the same traffic a tumbling window shows 90 % failures and a sliding one 9 %") {
  const TimePoint tumble{1'000'000s};  // the instant at which the tumbling window clears its counts
  SlidingWindow sliding;
  CallCounts tumbling;
  for (int i = 0; i < 90; ++i) count_at(sliding, tumble - 900ms + i * 10ms, {1, 0, 0});
  for (unsigned i = 0; i < 10; ++i) {
    const CallCounts call{1, i == 0 ? 0U : 1U, 0};
    count_at(sliding, tumble + i * 1ms, call);
    tumbling.calls += call.calls;
    tumbling.failures += call.failures;
  }
  CHECK(failure_rate(total(sliding)) == 0.09);
  CHECK(failure_rate(tumbling) == 0.9);
}

TEST_CASE("when the clock is set back the window keeps its counts, and they expire within its size from then on") {
  for (const std::chrono::milliseconds back : {50ms, 900ms, 3'600'000ms}) {
    CAPTURE(back.count());
    SlidingWindow window;
    for (int i = 0; i < 10; ++i) count_at(window, TimePoint{10'000s} + i * 100ms, {1, 1, 0});
    const TimePoint now = TimePoint{10'000s} + 900ms - back;
    set_back_to(window, bucket_at(now, size));
    CHECK(total(window) == CallCounts{10, 10, 0});
    count_at(window, now + 500ms, {1, 0, 0});
    CHECK(total(window) == CallCounts{6, 5, 0});
    count_at(window, now + size, {1, 0, 0});
    CHECK(total(window) == CallCounts{2, 0, 0});
  }
}

TEST_CASE("a rate is reached exactly at its threshold, for every fraction") {
  for (const unsigned calls : {3U, 7U, 10U, 49U, 100U, 1000U}) {
    for (unsigned failures = 1; failures <= calls; ++failures) {
      const Policy policy{.failure_threshold = 0,
                          .failure_rate_threshold = static_cast<double>(failures) / calls,
                          .minimum_number_of_calls = 1};
      FailureCounts counts;
      add(counts.window, {calls, failures - 1, 0});
      REQUIRE_FALSE(cause_to_open(counts, policy));
      add(counts.window, {0, 1, 0});
      REQUIRE(cause_to_open(counts, policy));
    }
  }
}
