#include "load_generator/report/compare.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <span>

#include "load_generator/record/text.hpp"

namespace load {
namespace {

constexpr size_t runs_side_by_side = 4;
constexpr size_t label_width = 22;
constexpr size_t column_width = 14;

std::string label(const std::string& text) { return fmt::format("{:<{}.{}}", text, label_width, label_width - 1); }
std::string cell(const std::string& text) { return fmt::format("{:>{}.{}}", text, column_width, column_width - 1); }

const Expectation* prediction(const Summary& run, const std::string& measure) {
  const auto found = std::find_if(run.expectations.begin(), run.expectations.end(),
                                  [&](const Expectation& each) { return each.measure == measure; });
  return found == run.expectations.end() ? nullptr : &*found;
}

std::string expected_cell(const Summary& run, const std::string& measure) {
  const Expectation* expectation = prediction(run, measure);
  return cell(expectation == nullptr ? "-" : bounds(*expectation));
}

std::string measured_cell(const Summary& run, const std::string& measure) {
  const auto found = run.measures.find(measure);
  const Expectation* expectation = prediction(run, measure);
  const bool wrong = expectation != nullptr && !holds(*expectation, run.measures);
  return cell((found == run.measures.end() ? "-" : number_text(found->second)) + (wrong ? " !" : ""));
}

// A name too long for its column continues in the next line, after a hyphen.
std::vector<std::string> broken(const std::string& name, size_t width) {
  std::vector<std::string> lines(1);
  for (size_t start = 0; start < name.size();) {
    const size_t end = std::min(name.find('-', start), name.size() - 1) + 1;
    if (!lines.back().empty() && lines.back().size() + end - start > width) lines.emplace_back();
    lines.back() += name.substr(start, end - start);
    start = end;
  }
  return lines;
}

std::string name_lines(const std::string& of_row, const std::vector<std::string>& of_columns) {
  const std::vector<std::string> row = broken(of_row, label_width - 1);
  std::vector<std::vector<std::string>> columns;
  size_t height = row.size();
  for (const std::string& name : of_columns) {
    columns.push_back(broken(name, column_width - 1));
    height = std::max(height, columns.back().size());
  }
  const auto part = [](const std::vector<std::string>& lines, size_t i) { return i < lines.size() ? lines[i] : ""; };
  std::string text;
  for (size_t i = 0; i < height; ++i) {
    text += label(part(row, i));
    for (const auto& column : columns) text += cell(part(column, i));
    text += "\n";
  }
  return text;
}

std::string header(std::span<const Summary> runs) {
  const auto has_first_name = [&](const Summary& run) { return run.name == runs.front().name; };
  const bool one_scenario = std::all_of(runs.begin(), runs.end(), has_first_name);
  std::vector<std::string> names, variants;
  for (const Summary& run : runs) names.push_back(run.name), variants.push_back(run.variant);
  return one_scenario ? name_lines(names.front(), variants) : name_lines("", names) + name_lines("", variants);
}

// First the predicted measures, expected under measured (-: no prediction); then the others that are not 0 everywhere.
std::string table(std::span<const Summary> runs) {
  std::string predicted, others;
  for (const std::string& measure : measure_names()) {
    std::string measured = label(measure);
    std::string expected = label("  expected");
    bool is_predicted = false, is_something = false;
    for (const Summary& run : runs) {
      measured += measured_cell(run, measure);
      expected += expected_cell(run, measure);
      is_predicted = is_predicted || prediction(run, measure) != nullptr;
      is_something = is_something || (run.measures.contains(measure) && run.measures.at(measure) != 0);
    }
    if (is_predicted) predicted += measured + "\n" + expected + "\n";
    if (!is_predicted && is_something) others += measured + "\n";
  }
  return header(runs) + predicted + (predicted.empty() || others.empty() ? "" : "\n") + others;
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
  std::string text = wrapped(run.name + ", " + run.variant + ":", 80, "") + "\n";
  for (const Expectation& expectation : run.expectations) text += verdict(expectation, run.measures);
  return text + "\n";
}

std::string failed_verdicts(const Summary& run) {
  std::string text;
  for (const Expectation& expectation : run.expectations) {
    if (!holds(expectation, run.measures)) text += verdict(expectation, run.measures);
  }
  return text;
}

bool every_expectation_held(const std::vector<Summary>& runs) {
  return std::all_of(runs.begin(), runs.end(),
                     [](const Summary& run) { return all_hold(run.expectations, run.measures); });
}

}  // namespace load
