#include "unreliable_service/fault_plan.hpp"

#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <limits>
#include <stdexcept>

using namespace std::chrono_literals;
using unreliable::Dice;
using unreliable::Fate;
using unreliable::Fault;
using unreliable::FaultPlan;

namespace {

std::string refusal(const std::string& plan) {
  try {
    const FaultPlan accepted(plan);
    return "accepted";
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
}

std::array<int, 4> fates_of(const Fault& fault, int rolls) {
  std::array<int, 4> counts{};
  Dice dice(7);
  for (int i = 0; i < rolls; ++i) ++counts.at(static_cast<size_t>(dice.roll(fault)));
  return counts;
}

}  // namespace

TEST_CASE("a plan runs through its phases and stays in the last one") {
  const FaultPlan plan("healthy 4s, down 10s, flaky 0.6 10s, slow 800ms 5s, hang 0.3 5s, drop 0.2 1s, healthy");
  CHECK(plan.fault_at(0ms) == Fault{});
  CHECK(plan.fault_at(3999ms) == Fault{});
  CHECK(plan.fault_at(4s) == Fault{.failure_rate = 1, .down = true});
  CHECK(plan.fault_at(13999ms).down);
  CHECK(plan.fault_at(14s) == Fault{.failure_rate = 0.6});
  CHECK(plan.fault_at(24s) == Fault{.latency = 800ms});
  CHECK(plan.fault_at(29s) == Fault{.hang_rate = 0.3});
  CHECK(plan.fault_at(34s) == Fault{.drop_rate = 0.2});
  CHECK(plan.fault_at(35s) == Fault{});
  CHECK(plan.fault_at(24h) == Fault{});
}

TEST_CASE("spaces in a plan do not matter") {
  const FaultPlan plan("  down   1s ,healthy  ");
  CHECK(plan.fault_at(0ms).down);
  CHECK(plan.fault_at(1s) == Fault{});
}

TEST_CASE("a plan made from a fault keeps it to the end, and has no text") {
  const FaultPlan plan(Fault{.failure_rate = 0.5});
  CHECK(plan.fault_at(0ms).failure_rate == 0.5);
  CHECK(plan.fault_at(24h).failure_rate == 0.5);
  CHECK(plan.text().empty());
}

TEST_CASE("the error for a phase without a duration quotes it and says what to add") {
  CHECK(refusal("down, healthy") ==
        "plan: phase 'down': only the last phase has no duration; add one, such as 'down 10s'");
  CHECK(refusal("slow 5s, healthy") ==
        "plan: phase 'slow 5s': only the last phase has no duration; add one, such as 'slow 5s 10s'");
}

TEST_CASE("the error for a last phase with a duration quotes it and says what to add") {
  CHECK(refusal("healthy 4s, down 10s") ==
        "plan: phase 'down 10s': the last phase lasts until the end, so it has no duration; add another phase, such as "
        "', healthy'");
}

TEST_CASE("the error for an invalid phase quotes it") {
  for (const std::string phase :
       {"broken", "flaky", "flaky often", "flaky 1.5", "flaky -0.1", "flaky nan", "flaky 0.6x", "slow", "slow fast",
        "slow 61s", "slow -1s", "hang", "drop 2", "down 0s", "down never", "down 1s 2s", "healthy -5s", "Healthy"}) {
    INFO(phase);
    CHECK(refusal(phase + ", healthy").find("phase '" + phase + "'") != std::string::npos);
    CHECK(refusal("healthy 1s, " + phase).find("phase '" + phase + "'") != std::string::npos);
  }
}

TEST_CASE("empty phases, long texts and non-ASCII characters yield one line") {
  for (const std::string& plan : {std::string(), std::string(","), std::string("down 1s,,healthy"),
                                  std::string("down 1s, healthy,"), std::string(1001, ' '), std::string("down\n"),
                                  std::string("down\x1b[31m"), std::string("d\xc3\xb6wn"), std::string("down\0", 5)}) {
    INFO(plan);
    CHECK(refusal(plan) != "accepted");
    CHECK(refusal(plan).find('\n') == std::string::npos);
    CHECK(refusal(plan).size() < 200);
  }
}

TEST_CASE("the error for a fault out of range names its field") {
  const auto refused = [](const Fault& fault, const char* line) {
    CHECK_THROWS_WITH_AS(unreliable::require_valid(fault), line, std::invalid_argument);
  };
  refused({.failure_rate = 1.5}, "failure_rate is 1.5; it must be 0 to 1");
  refused({.failure_rate = std::numeric_limits<double>::quiet_NaN()}, "failure_rate is nan; it must be 0 to 1");
  refused({.hang_rate = -0.1}, "hang_rate is -0.1; it must be 0 to 1");
  refused({.drop_rate = 2}, "drop_rate is 2; it must be 0 to 1");
  refused({.hang_rate = 0.75, .drop_rate = 0.5}, "hang_rate + drop_rate is 1.25; it must be 0 to 1");
  refused({.latency = 61s}, "latency is 61s; it must be 0ms to 1m");
  CHECK_NOTHROW(unreliable::require_valid({.failure_rate = 1, .latency = 60s, .hang_rate = 0.7, .drop_rate = 0.3}));
}

TEST_CASE("hang and drop are shares of all requests, failure_rate of the answered ones") {
  constexpr int rolls = 100'000;
  const auto [success, failure, hang, drop] =
      fates_of({.failure_rate = 0.6, .hang_rate = 0.3, .drop_rate = 0.2}, rolls);  // expected: 0.5 are answered
  CHECK(std::abs(hang - 0.3 * rolls) < 0.01 * rolls);
  CHECK(std::abs(drop - 0.2 * rolls) < 0.01 * rolls);
  CHECK(std::abs(failure - 0.5 * 0.6 * rolls) < 0.01 * rolls);
  CHECK(std::abs(success - 0.5 * 0.4 * rolls) < 0.01 * rolls);
}

TEST_CASE("a rate of one means always, and a rate of zero never") {
  CHECK(fates_of({}, 10'000) == std::array{10'000, 0, 0, 0});
  CHECK(fates_of({.failure_rate = 1}, 10'000) == std::array{0, 10'000, 0, 0});
  CHECK(fates_of({.failure_rate = 1, .hang_rate = 1}, 10'000) == std::array{0, 0, 10'000, 0});
  CHECK(fates_of({.failure_rate = 1, .drop_rate = 1}, 10'000) == std::array{0, 0, 0, 10'000});
}

TEST_CASE("the same seed gives the same fates, and a temporary fault does not change later ones") {
  const Fault flaky{.failure_rate = 0.6};
  Dice steady(42);
  Dice disturbed(42);
  for (int i = 0; i < 100; ++i) {
    const bool outage = i >= 10 && i < 20;
    const Fate expected = steady.roll(flaky);
    const Fate fate = disturbed.roll(outage ? Fault{.drop_rate = 1} : flaky);
    CHECK(fate == (outage ? Fate::drop : expected));
  }
}

TEST_CASE("a fault as text") {
  CHECK(to_text(Fault{}) == "healthy");
  CHECK(to_text(Fault{.failure_rate = 1, .down = true}) == "down");
  CHECK(to_text(Fault{.failure_rate = 0.07}) == "7 % fail");
  CHECK(to_text(Fault{.failure_rate = 0.6, .latency = 800ms, .hang_rate = 0.3, .drop_rate = 0.2}) ==
        "30 % hang, 20 % are dropped, 60 % fail, 800ms slow");
}
