#include "redis_breaker/sync/published_view.hpp"

#include <doctest/doctest.h>

#include <chrono>

using namespace cb;
using namespace std::chrono_literals;

TEST_CASE("successes are counted and reported, however long the state before lasted") {
  for (const std::chrono::microseconds lasted : {std::chrono::microseconds(1s), std::chrono::microseconds(12h)}) {
    CAPTURE(lasted.count());
    const PushStatus pushes(0);
    PublishedView view({.failure_rate_threshold = 0.5}, pushes);
    const uint64_t first = 1795697341008617;
    const auto closed_again = first + static_cast<uint64_t>((lasted + 10s).count());
    view.publish({.state = State::closed, .generation = first});
    CHECK(view.count_success({first, 0})->must_report);
    view.publish({.state = State::open, .generation = first + static_cast<uint64_t>(lasted.count())});
    CHECK(view.take_successes(first + static_cast<uint64_t>(lasted.count())).older == 1);
    view.publish({.state = State::closed, .generation = closed_again});
    const auto counted = view.count_success({closed_again, 0});
    CHECK_FALSE(counted->is_late);
    CHECK(counted->must_report);
    CHECK(view.take_successes(closed_again).count == 1);
  }
}
