// The givens of a race: the same outage hits two fleets at once, one with a breaker in each instance, one with a
// breaker that all share. The upstream dies one second after the start of the load. A race is as long as its arithmetic
// needs: calls arrive evenly and go to the instances in turn, so the last of n breakers opens at 1 s + n x threshold /
// rate. A quarter of that follows, and at least a second, in which callers are rejected. No breaker probes before the
// end, so the expected number of failed calls is plain: n x threshold, or threshold. Errors: std::invalid_argument, one
// sentence that names the field, or the values and which of them to change.
#pragma once

#include <chrono>
#include <cstdint>
#include <nlohmann/json.hpp>

#include "load_generator/scenario/provenance.hpp"
#include "load_generator/scenario/strict_json.hpp"

namespace load {

struct RaceGivens {
  size_t instances = 10;
  int failure_threshold = 5;
  double rate = 50;  // calls per second, over all instances of a fleet
  std::chrono::milliseconds recovery_timeout{10'000};
  uint64_t seed = 7;  // of a simulated race

  bool operator==(const RaceGivens&) const = default;
};

constexpr std::chrono::milliseconds race_fault_at{1000};

// When the last of separate breakers has opened, at the latest; and when the load ends, in steps of half a second.
std::chrono::milliseconds last_breaker_opens_at(const RaceGivens& givens);
std::chrono::milliseconds race_length(const RaceGivens& givens);

// The fields `instances`, `failure_threshold`, `rate`, `recovery_timeout_ms` and, in virtual time, `seed`: each may be
// missing, and others may not be there. A real race is smaller: its instances are processes of this machine.
RaceGivens read_race_givens(StrictObject& request, World world);

// With `fault_at_ms` and `length_ms`; the seed only of a simulated race.
nlohmann::ordered_json to_json(const RaceGivens& givens, World world);

}  // namespace load
