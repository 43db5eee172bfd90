// What chance makes of an experiment: its measures over many seeds, and where a real run lies among them.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "load_generator/record/measures.hpp"
#include "load_generator/scenario/scenario.hpp"

namespace simulation {

// The values of one measure, sorted. A run that does not provide it has no value here.
using Distribution = std::vector<double>;
using Distributions = std::map<std::string, Distribution>;  // by measure
Distributions distributions(const load::Scenario& scenario, const load::Variant& variant, uint64_t first_seed,
                            size_t seeds);

double percentile(const Distribution& sorted, double share);

struct Interval {
  double least;
  double most;
  bool has(double value) const { return value >= least && value <= most; }
};

// What a count of a real run may be: from the least to the greatest of all seeds, and a quarter of that range more on
// both sides. Where all seeds agree, the range is 0: arithmetic fixes the count, and it must be equal. Percentiles
// would not be fair: of the hundreds of counts that do vary, a tenth lies outside of the 5th and the 95th by chance.
Interval likely(const Distribution& sorted);

bool is_time(const std::string& measure);

// For a count, likely(). For a time, which nothing judges: between the 5th and the 95th percentile, or within a tenth
// of the median of them, at least 10 ms, as HTTP and schedulers are not simulated.
bool is_likely(const std::string& measure, const Distribution& sorted, double real);

// A table of at most 80 columns: each measure's percentiles and, beside them, that of the real run.
std::string compared_with(const Distributions& simulated, const load::Measures& real);

}  // namespace simulation
