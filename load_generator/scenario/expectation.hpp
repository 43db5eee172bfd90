// An Expectation is a prediction made before the run: a measure, its bounds, and the arithmetic that led to them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "load_generator/record/measures.hpp"
#include "load_generator/scenario/strict_json.hpp"

namespace load {

struct Expectation {
  std::string measure;
  std::optional<double> at_least;
  std::optional<double> at_most;
  std::string because;
};

// Throws std::invalid_argument naming file and field. Fields other than the four are left for the caller to judge.
Expectation read_expectation(StrictObject& entry);

// As a run's file has it: {"measure","because","at_least","at_most"}, a bound only where there is one.
nlohmann::ordered_json to_json(const Expectation& expectation);

// A measure that the run could not tell holds nothing.
bool holds(const Expectation& expectation, const Measures& measures);
bool all_hold(const std::vector<Expectation>& expectations, const Measures& measures);

// "exactly 3", "at least 1", "5 to 14"
std::string bounds(const Expectation& expectation);

// Three or more lines of at most 80 columns: the verdict, expected beside measured, and why.
std::string verdict(const Expectation& expectation, const Measures& measures);

}  // namespace load
