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

// Throws std::invalid_argument that names file and field. Other fields than these four are left to the caller.
Expectation read_expectation(StrictObject& entry);

// As in a run's file: {"measure","because","at_least","at_most"}, with those bounds that exist.
nlohmann::ordered_json to_json(const Expectation& expectation);

// An expectation of a measure that the run does not provide does not hold.
bool holds(const Expectation& expectation, const Measures& measures);
bool all_hold(const std::vector<Expectation>& expectations, const Measures& measures);

// "exactly 3", "at least 1", "5 to 14"
std::string bounds(const Expectation& expectation);

// Three or more lines of at most 80 columns: the verdict, expected beside measured, and why.
std::string verdict(const Expectation& expectation, const Measures& measures);

}  // namespace load
