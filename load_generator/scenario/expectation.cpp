#include "load_generator/scenario/expectation.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>

#include "load_generator/record/text.hpp"

namespace load {
namespace {

constexpr Between<double> any_figure{0, 1e9};
constexpr size_t page_width = 80;

}  // namespace

Expectation read_expectation(StrictObject& entry) {
  Expectation expectation;
  expectation.measure = entry.one_of("measure", measure_names());
  if (entry.has("at_least")) expectation.at_least = entry.number("at_least", any_figure);
  if (entry.has("at_most")) expectation.at_most = entry.number("at_most", any_figure);
  expectation.because = entry.text("because", 1000);
  if (!expectation.at_least && !expectation.at_most) entry.complain("at_least", "there, or at_most");
  if (expectation.at_least.value_or(0) > expectation.at_most.value_or(any_figure.highest)) {
    entry.complain("at_least", "no more than at_most");
  }
  return expectation;
}

nlohmann::ordered_json to_json(const Expectation& expectation) {
  nlohmann::ordered_json entry{{"measure", expectation.measure}, {"because", expectation.because}};
  if (expectation.at_least) entry["at_least"] = *expectation.at_least;
  if (expectation.at_most) entry["at_most"] = *expectation.at_most;
  return entry;
}

bool holds(const Expectation& expectation, const Measures& measures) {
  const auto measured = measures.find(expectation.measure);
  return measured != measures.end() && measured->second >= expectation.at_least.value_or(measured->second) &&
         measured->second <= expectation.at_most.value_or(measured->second);
}

bool all_hold(const std::vector<Expectation>& expectations, const Measures& measures) {
  return std::all_of(expectations.begin(), expectations.end(),
                     [&](const Expectation& expectation) { return holds(expectation, measures); });
}

std::string bounds(const Expectation& expectation) {
  if (!expectation.at_most) return "at least " + number_text(*expectation.at_least);
  if (!expectation.at_least) return "at most " + number_text(*expectation.at_most);
  if (*expectation.at_least == *expectation.at_most) return "exactly " + number_text(*expectation.at_least);
  return number_text(*expectation.at_least) + " to " + number_text(*expectation.at_most);
}

std::string verdict(const Expectation& expectation, const Measures& measures) {
  const auto measured = measures.find(expectation.measure);
  const std::string figure = measured == measures.end() ? "could not be measured" : number_text(measured->second);
  return fmt::format("  {:<8}  {}\n            expected {}, measured {}\n            because {}\n",
                     holds(expectation, measures) ? "held" : "NOT HELD", expectation.measure, bounds(expectation),
                     figure, wrapped(expectation.because, page_width - 20, std::string(20, ' ')));
}

}  // namespace load
