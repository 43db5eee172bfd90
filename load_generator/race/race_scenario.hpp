// A race as a scenario: "the-race", with the variants `distributed` and `redis`, what is expected of each, and why. The
// first expectation of both is upstream_failures, which a learner guesses first. Pure.
#pragma once

#include "load_generator/race/race_givens.hpp"
#include "load_generator/scenario/scenario.hpp"

namespace load {

// An answer takes less, even on a machine that is busy now and then.
constexpr std::chrono::milliseconds answer_takes_less_than{20};

// What it costs Redis to push a change to one instance. It pushes each failure, so the last one's news waits for those
// of all before: with a thousand instances and a threshold of 20, for a tenth of a second.
constexpr std::chrono::microseconds push_takes{5};

Scenario race_scenario(const RaceGivens& givens);

}  // namespace load
