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
std::map<std::string, Distribution> distributions(const load::Scenario& scenario, const load::Variant& variant,
                                                  uint64_t first_seed, size_t seeds);

double percentile(const Distribution& sorted, double share);

// Whether the real value is likely: between the 5th and the 95th percentile, or within a tenth of the median of them; a
// time may be 10 ms off, as HTTP and schedulers are not simulated.
bool is_likely(const std::string& measure, const Distribution& sorted, double real);

// A table of at most 80 columns: each measure's percentiles and, beside them, that of the real run.
std::string compared_with(const std::map<std::string, Distribution>& simulated, const load::Measures& real);

}  // namespace simulation
