#include "load_generator/load/schedule.hpp"

#include <spdlog/fmt/fmt.h>

#include <cmath>
#include <random>
#include <stdexcept>

namespace load {
namespace {

using Seconds = std::chrono::duration<double>;

void require_valid(const LoadSettings& settings, double most) {
  if (!(settings.rate > 0)) throw std::invalid_argument("rate must be above 0 calls per second");
  if (settings.duration.count() <= 0) throw std::invalid_argument("duration must be above 0");
  if (settings.burst < 1) throw std::invalid_argument("burst must be at least 1");
  if (settings.rate * Seconds(settings.duration).count() > most) {
    throw std::invalid_argument(
        fmt::format("rate x duration is more than {} million calls; lower one of them", most / 1e6));
  }
}

// std::exponential_distribution differs between standard libraries; this does not.
double exponential(std::mt19937_64& random, double mean) {
  const double uniform = static_cast<double>(random() >> 11) * 0x1p-53;  // [0, 1)
  return -mean * std::log1p(-uniform);
}

// Due times of groups of `burst` calls, in seconds.
std::vector<double> group_times(const LoadSettings& settings, std::mt19937_64& random) {
  const double gap = settings.burst / settings.rate;
  const double end = Seconds(settings.duration).count() - 1e-9;
  std::vector<double> times;
  if (settings.arrivals == Arrivals::uniform) {
    for (size_t group = 0; static_cast<double>(group) * gap < end; ++group) {
      times.push_back(static_cast<double>(group) * gap);
    }
  } else {
    double at = exponential(random, gap);
    while (at < end) {
      times.push_back(at);
      at += exponential(random, gap);
    }
  }
  return times;
}

}  // namespace

std::vector<PlannedCall> plan_calls(const LoadSettings& settings, size_t targets, double most) {
  require_valid(settings, most);
  if (targets == 0) throw std::invalid_argument("targets: at least one is needed");
  std::mt19937_64 random(settings.seed);
  std::vector<PlannedCall> calls;
  for (const double time : group_times(settings, random)) {
    for (int member = 0; member < settings.burst; ++member) {
      const size_t target = settings.spread == Spread::random ? random() % targets : calls.size() % targets;
      calls.push_back({std::chrono::round<Offset>(Seconds(time)), target});
    }
  }
  return calls;
}

}  // namespace load
