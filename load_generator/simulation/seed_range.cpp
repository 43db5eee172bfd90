#include "load_generator/simulation/seed_range.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <cmath>

#include "load_generator/simulation/simulated_run.hpp"

namespace simulation {

Distributions distributions(const load::Scenario& scenario, const load::Variant& variant, uint64_t first_seed,
                            size_t seeds) {
  Distributions values;
  for (uint64_t seed = first_seed; seed < first_seed + seeds; ++seed) {
    const load::Run run = simulate(scenario, variant, seed).run;
    for (const auto& [name, value] : load::measure(run, load::timeline(run))) values[name].push_back(value);
  }
  for (auto& [name, distribution] : values) std::sort(distribution.begin(), distribution.end());
  return values;
}

double percentile(const Distribution& sorted, double share) {
  const auto last = static_cast<double>(sorted.size() - 1);
  return sorted[static_cast<size_t>(std::lround(share * last))];
}

Interval likely(const Distribution& sorted) {
  const double slack = (sorted.back() - sorted.front()) / 4;
  return {sorted.front() - slack, sorted.back() + slack};
}

bool is_time(const std::string& measure) { return measure.ends_with("_ms"); }

bool is_likely(const std::string& measure, const Distribution& sorted, double real) {
  if (!is_time(measure)) return likely(sorted).has(real);
  const double slack = std::max(10.0, std::abs(percentile(sorted, 0.5)) / 10);
  return real >= percentile(sorted, 0.05) - slack && real <= percentile(sorted, 0.95) + slack;
}

std::string compared_with(const Distributions& simulated, const load::Measures& real) {
  std::string table = fmt::format("  {:<24}{:>11}{:>11}{:>11}{:>11}\n", "", "5 %", "median", "95 %", "real");
  for (const std::string& name : load::measure_names()) {
    const auto found = simulated.find(name);
    if (found == simulated.end()) continue;
    const Distribution& sorted = found->second;
    table += fmt::format("  {:<24}{:>11.6g}{:>11.6g}{:>11.6g}", name, percentile(sorted, 0.05), percentile(sorted, 0.5),
                         percentile(sorted, 0.95));
    const auto measured = real.find(name);
    if (measured != real.end())
      table +=
          fmt::format("{:>11.6g}{}", measured->second, is_likely(name, sorted, measured->second) ? "" : "  differs");
    table += "\n";
  }
  return table;
}

}  // namespace simulation
