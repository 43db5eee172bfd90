#include "load_generator/record/latencies.hpp"

#include <algorithm>
#include <cmath>

namespace load {
namespace {

double nearest_rank(const std::vector<double>& sorted, double fraction) {
  const auto rank = static_cast<size_t>(std::ceil(fraction * static_cast<double>(sorted.size())));
  return sorted[std::max<size_t>(rank, 1) - 1];
}

}  // namespace

std::optional<Latencies> latencies(const Run& run, CallStatus status) {
  std::vector<double> sorted;
  for (const Call& call : run.calls) {
    if (call.status == status) sorted.push_back(to_ms(call.latency));
  }
  if (sorted.empty()) return std::nullopt;
  std::sort(sorted.begin(), sorted.end());
  return Latencies{nearest_rank(sorted, 0.5), nearest_rank(sorted, 0.9), nearest_rank(sorted, 0.99), sorted.back()};
}

}  // namespace load
