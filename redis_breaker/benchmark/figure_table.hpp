// A FigureTable prints each measured figure beside its bound, one line each, as soon as it is known. Not thread-safe.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace cb {

// 0 for an empty list.
double median(std::vector<double> samples);
double percentile(std::vector<double> samples, double percent);

struct Measured {
  double value = 0;
  std::string unit{};  // empty: a count
  int digits = 0;
};

class FigureTable {
 public:
  void begin(const std::string& title);
  void add(const std::string& what, const Measured& measured, std::optional<double> at_most = {});
};

}  // namespace cb
