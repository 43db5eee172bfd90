#include "load_generator/experiment/picture.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>

#include "load_generator/record/text.hpp"
#include "load_generator/report/compare.hpp"
#include "program/command_line/terminal.hpp"
#include "program/text.hpp"

namespace load {
namespace {

constexpr size_t longest_name = 24;
constexpr size_t shortest_bar = 10;

// Both count the calls that the broken upstream received; a design predicts one of them, or first one of them.
bool counts_failed_calls(const std::string& measure) {
  return measure == "counted_failures" || measure == "upstream_failures";
}

bool is_same(const std::string& a, const std::string& b) {
  return a == b || (counts_failed_calls(a) && counts_failed_calls(b));
}

const Expectation* expectation_of(const Summary& run, const std::string& measure) {
  const auto found = std::find_if(run.expectations.begin(), run.expectations.end(),
                                  [&](const Expectation& each) { return is_same(each.measure, measure); });
  return found == run.expectations.end() ? nullptr : &*found;
}

bool every_run_expects(const std::vector<Summary>& runs, const std::string& measure) {
  return std::all_of(runs.begin(), runs.end(), [&](const Summary& run) { return expectation_of(run, measure); });
}

// Times make no squares, and neither does what must not happen at all.
bool can_be_drawn(const std::vector<Summary>& runs, const std::string& measure) {
  if (measure.ends_with("_ms")) return false;
  return !std::all_of(runs.begin(), runs.end(), [&](const Summary& run) {
    const Expectation* expectation = expectation_of(run, measure);
    return expectation == nullptr || expectation->at_most == 0;
  });
}

// The first that can be drawn, rather one that every design predicts.
std::string drawn_measure(const std::vector<Summary>& runs) {
  std::string first;
  for (const Expectation& expectation : runs.front().expectations) {
    if (!can_be_drawn(runs, expectation.measure)) continue;
    if (every_run_expects(runs, expectation.measure)) return expectation.measure;
    if (first.empty()) first = expectation.measure;
  }
  return first.empty() ? "upstream_failures" : first;
}

std::string in_words(const std::string& measure) {
  static const std::map<std::string, std::string> words{
      {"counted_failures", "calls that failed"},
      {"upstream_failures", "calls that failed"},
      {"failed_probes", "probes that failed"},
      {"upstream_calls", "calls that reached the upstream"},
      {"load_factor", "calls that reached the upstream, per call of a caller"},
      {"success", "calls that succeeded"},
      {"opened", "how often a breaker opened"},
      {"closed_again", "how often a breaker closed again"},
      {"instances_that_opened", "instances whose breaker opened"},
      {"calls_per_trip", "calls until a breaker opened, on average"},
      {"late", "results that came late"},
      {"most_probes_at_once", "most probes at once"}};
  const auto found = words.find(measure);
  if (found != words.end()) return found->second;
  std::string text = measure;
  std::replace(text.begin(), text.end(), '_', ' ');
  return text;
}

struct Bar {
  std::string name;
  double value = 0;
  std::string measured;  // 50, or - if the run does not provide it
  std::string expected;  // empty: no prediction
  bool held = true;
};

std::string expected_text(const Expectation& expectation) {
  const std::string text = bounds(expectation);
  return "expected " + (text.starts_with("exactly ") ? text.substr(8) : text);
}

Bar bar_of(const Summary& run, const std::string& measure) {
  const Expectation* expectation = expectation_of(run, measure);
  const auto found = run.measures.find(expectation == nullptr ? measure : expectation->measure);
  Bar bar;
  bar.name = program::shortened(run.variant, longest_name);
  bar.measured = found == run.measures.end() ? "-" : number_text(found->second);
  if (found != run.measures.end()) bar.value = found->second;
  if (expectation == nullptr) return bar;
  bar.expected = expected_text(*expectation);
  bar.held = holds(*expectation, run.measures);
  return bar;
}

size_t widest(const std::vector<Bar>& bars, std::string Bar::*text) {
  size_t width = 0;
  for (const Bar& bar : bars) width = std::max(width, (bar.*text).size());
  return width;
}

// 1, 2, 5, 10, 20, ...: the least with which `value` has room in `squares`.
double value_of_square(double value, size_t squares) {
  for (double power = 1;; power *= 10) {
    for (const double factor : {1, 2, 5}) {
      if (std::round(value / (factor * power)) <= static_cast<double>(squares)) return factor * power;
    }
  }
}

// Draws bars of one scale. A row: the name, the bar, measured with a mark if it is wrong, expected.
class BarChart {
 public:
  BarChart(std::vector<Bar> bars, const Canvas& canvas) : bars_(std::move(bars)), canvas_(canvas) {
    const size_t beside =
        2 + widest(bars_, &Bar::name) + 1 + 1 + widest(bars_, &Bar::measured) + 2 + widest(bars_, &Bar::expected);
    const size_t room = std::max(shortest_bar, canvas.columns - std::min(canvas.columns, beside));
    double highest = 0;
    for (const Bar& bar : bars_) highest = std::max(highest, bar.value);
    value_of_square_ = value_of_square(highest, room);
    bar_width_ = squares(highest);
  }

  // Empty where a square stands for one.
  std::string scale() const {
    if (value_of_square_ == 1) return "";
    return fmt::format(" (one {} for {})", canvas_.square, number_text(value_of_square_));
  }

  std::string rows() const {
    std::string text;
    for (const Bar& bar : bars_) text += row(bar);
    return text;
  }

 private:
  size_t squares(double value) const {
    return value > 0 ? static_cast<size_t>(std::max(1.0, std::round(value / value_of_square_))) : 0;
  }

  std::string coloured(const std::string& text, const Bar& bar) const {
    if (canvas_.screen == Screen::plain || bar.expected.empty() || text.empty()) return text;
    return (bar.held ? "\033[32m" : "\033[31m") + text + "\033[0m";
  }

  std::string row(const Bar& bar) const {
    std::string drawn;
    for (size_t i = 0; i < squares(bar.value); ++i) drawn += canvas_.square;
    const std::string blank(bar_width_ - squares(bar.value), ' ');
    std::string text =
        fmt::format("  {:<{}} {}{} {:>{}}{} {}", bar.name, widest(bars_, &Bar::name), coloured(drawn, bar), blank,
                    bar.measured, widest(bars_, &Bar::measured), bar.held ? ' ' : '!', coloured(bar.expected, bar));
    return text.erase(text.find_last_not_of(' ') + 1) + "\n";
  }

  const std::vector<Bar> bars_;
  const Canvas canvas_;
  double value_of_square_ = 1;
  size_t bar_width_ = 0;
};

std::string what_did_not_hold(const std::vector<Summary>& runs) {
  std::string text;
  for (const Summary& run : runs) {
    const std::string failed = failed_verdicts(run);
    if (!failed.empty()) text += wrapped(run.name + ", " + run.variant + ":", 80, "") + "\n" + failed + "\n";
  }
  return text;
}

std::string tally(const std::vector<Summary>& runs) {
  size_t all = 0, held = 0;
  for (const Summary& run : runs) {
    all += run.expectations.size();
    for (const Expectation& each : run.expectations) held += holds(each, run.measures) ? 1 : 0;
  }
  if (all == 0) return "nothing is expected with these settings; --details prints every measure\n";
  if (held == all) return fmt::format("{} of {} expectations held; --details lists them\n", held, all);
  return fmt::format("{} of {} expectations did not hold; --details lists all\n", all - held, all);
}

}  // namespace

Canvas canvas_of_standard_output() {
  return {program::output_columns(), screen_of_standard_output(), program::shows_utf8() ? "\u25a0" : "#"};
}

std::string picture(const std::vector<Summary>& runs, const Canvas& canvas) {
  if (runs.empty()) return "";
  const std::string measure = drawn_measure(runs);
  std::vector<Bar> bars;
  for (const Summary& run : runs) bars.push_back(bar_of(run, measure));
  const BarChart chart(std::move(bars), canvas);
  return wrapped(runs.front().name + ": " + in_words(measure) + chart.scale(), canvas.columns, "") + "\n" +
         chart.rows();
}

std::string outcome(const std::vector<Summary>& runs, Detail detail, const Canvas& canvas) {
  const std::string drawn = picture(runs, canvas) + "\n";
  return drawn + (detail == Detail::everything ? comparison(runs) : what_did_not_hold(runs) + tally(runs) + "\n");
}

}  // namespace load
