#include "load_generator/compare.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <span>

namespace load {
namespace {

constexpr size_t runs_side_by_side = 4;
constexpr size_t label_width = 22;
constexpr size_t column_width = 14;

std::string cell(const std::string& text) { return fmt::format("{:>{}.{}}", text, column_width, column_width - 1); }

std::string figure(const Summary& run, const std::string& measure) {
  const auto found = run.measures.find(measure);
  return cell(found == run.measures.end() ? "-" : number_text(found->second));
}

std::string table(std::span<const Summary> runs) {
  std::string names = fmt::format("{:<{}}", "", label_width);
  std::string stages = names;
  for (const Summary& run : runs) names += cell(run.name), stages += cell(run.stage);
  std::string text = names + "\n" + stages + "\n";
  for (const std::string& measure : measure_names()) {
    text += fmt::format("{:<{}}", measure, label_width);
    for (const Summary& run : runs) text += figure(run, measure);
    text += "\n";
  }
  return text;
}

}  // namespace

std::string comparison(const std::vector<Summary>& runs) {
  std::string text;
  for (size_t first = 0; first < runs.size(); first += runs_side_by_side) {
    text += table(std::span(runs).subspan(first, std::min(runs_side_by_side, runs.size() - first))) + "\n";
  }
  std::string question;
  for (const Summary& run : runs) {
    if (run.question != question) text += wrapped(run.question, 80, "") + "\n\n";
    question = run.question;
    text += verdicts(run);
  }
  return text;
}

std::string verdicts(const Summary& run) {
  if (run.expectations.empty()) return "";
  std::string text = wrapped(run.name + ", stage " + run.stage + ":", 80, "") + "\n";
  for (const Expectation& expectation : run.expectations) text += verdict(expectation, run.measures);
  return text + "\n";
}

bool every_expectation_held(const std::vector<Summary>& runs) {
  return std::all_of(runs.begin(), runs.end(),
                     [](const Summary& run) { return all_hold(run.expectations, run.measures); });
}

}  // namespace load
