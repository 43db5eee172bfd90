#include "redis_breaker/benchmark/figure_table.hpp"

#include <algorithm>
#include <cmath>
#include <iomanip>
#include <iostream>
#include <sstream>

namespace cb {
namespace {

constexpr int what_width = 46;
constexpr int measured_width = 13;
constexpr int bound_width = 11;
constexpr int held_width = 6;

std::string to_text(double value, const std::string& unit, int digits) {
  std::ostringstream text;
  text << std::fixed << std::setprecision(digits) << value;
  return unit.empty() ? text.str() : text.str() + " " + unit;
}

void print_line(const std::string& what, const std::string& measured, const std::string& bound,
                const std::string& held) {
  std::cout << std::left << std::setw(what_width) << what << std::right << std::setw(measured_width) << measured
            << std::setw(bound_width) << bound << std::setw(held_width) << held << std::endl;
}

}  // namespace

double percentile(std::vector<double> samples, double percent) {
  if (samples.empty()) return 0;
  std::sort(samples.begin(), samples.end());
  const auto last = static_cast<double>(samples.size() - 1);
  return samples[static_cast<size_t>(std::ceil(last * percent / 100))];
}

double median(std::vector<double> samples) { return percentile(std::move(samples), 50); }

void FigureTable::begin(const std::string& title) {
  std::cout << "\n";
  print_line(title, "measured", "at most", "held");
}

void FigureTable::add(const std::string& what, const Measured& measured, std::optional<double> at_most) {
  const std::string bound = at_most ? to_text(*at_most, measured.unit, std::min(measured.digits, 1)) : "-";
  const std::string held = !at_most ? "-" : measured.value <= *at_most ? "yes" : "NO";
  print_line(what, to_text(measured.value, measured.unit, measured.digits), bound, held);
}

}  // namespace cb
