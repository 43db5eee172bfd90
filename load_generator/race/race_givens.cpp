#include "load_generator/race/race_givens.hpp"

#include <spdlog/fmt/fmt.h>

#include <cmath>
#include <stdexcept>

#include "load_generator/record/text.hpp"
#include "program/duration.hpp"

namespace load {
namespace {

using std::chrono::milliseconds;

struct Limits {
  Between<int64_t> instances;
  Between<double> rate;
  milliseconds length;
};

constexpr Limits real_limits{{2, 26}, {1, 1000}, milliseconds(30'000)};
constexpr Limits simulated_limits{{2, 1000}, {1, 10'000}, milliseconds(60'500)};
constexpr Between<int64_t> thresholds{1, 20};
constexpr Between<int64_t> recovery_timeouts_ms{5000, 60'000};
constexpr Between<int64_t> seeds{0, 1'000'000'000};

constexpr milliseconds shortest_margin{1000};
constexpr milliseconds step{500};
constexpr milliseconds slack{100};  // the first failing call may come that much before it is due

const Limits& limits_of(World world) { return world == World::real ? real_limits : simulated_limits; }

std::string seconds(milliseconds time) { return number_text(std::chrono::duration<double>(time).count()) + " s"; }

std::string arithmetic(const RaceGivens& givens) {
  return fmt::format("the last of {} breakers opens at 1 s + {} x {} / {} = {}, so the race would last {}",
                     givens.instances, givens.instances, givens.failure_threshold, number_text(givens.rate),
                     seconds(last_breaker_opens_at(givens)), seconds(race_length(givens)));
}

void require_playable(const RaceGivens& givens, World world) {
  const milliseconds length = race_length(givens);
  const milliseconds most = limits_of(world).length;
  if (length > most) {
    throw std::invalid_argument(arithmetic(givens) + ", of at most " + seconds(most) +
                                "; raise rate, or lower instances or failure_threshold");
  }
  const milliseconds first_break_ends = race_fault_at + givens.recovery_timeout;
  if (length + slack > first_break_ends) {
    throw std::invalid_argument(arithmetic(givens) + ", but the first breaker may probe again at 1 s + " +
                                seconds(givens.recovery_timeout) + " = " + seconds(first_break_ends) +
                                "; raise recovery_timeout or rate, or lower instances or failure_threshold");
  }
}

}  // namespace

milliseconds last_breaker_opens_at(const RaceGivens& givens) {
  const double calls = static_cast<double>(givens.instances) * givens.failure_threshold;
  return race_fault_at + milliseconds(std::llround(std::ceil(1000 * calls / givens.rate)));
}

milliseconds race_length(const RaceGivens& givens) {
  const milliseconds opened = last_breaker_opens_at(givens);
  const milliseconds end = opened + std::max(shortest_margin, opened / 4);
  return (end + step - milliseconds(1)) / step * step;
}

RaceGivens read_race_givens(StrictObject& request, World world) {
  const Limits& limits = limits_of(world);
  RaceGivens givens;
  if (request.has("instances")) givens.instances = static_cast<size_t>(request.integer("instances", limits.instances));
  if (request.has("failure_threshold")) {
    givens.failure_threshold = static_cast<int>(request.integer("failure_threshold", thresholds));
  }
  if (request.has("rate")) givens.rate = request.number("rate", limits.rate);
  if (request.has("recovery_timeout_ms")) {
    givens.recovery_timeout = milliseconds(request.integer("recovery_timeout_ms", recovery_timeouts_ms));
  }
  if (world == World::simulated && request.has("seed")) {
    givens.seed = static_cast<uint64_t>(request.integer("seed", seeds));
  }
  request.done();
  require_playable(givens, world);
  return givens;
}

nlohmann::ordered_json to_json(const RaceGivens& givens, World world) {
  nlohmann::ordered_json json{{"instances", givens.instances},
                              {"failure_threshold", givens.failure_threshold},
                              {"rate", givens.rate},
                              {"recovery_timeout_ms", givens.recovery_timeout.count()},
                              {"fault_at_ms", race_fault_at.count()},
                              {"length_ms", race_length(givens).count()}};
  if (world == World::simulated) json["seed"] = givens.seed;
  return json;
}

}  // namespace load
