// `load_generator simulate chaos`: lives of simulated fleets, one after the other, until enough hours have passed or
// one of them violates what must hold. Then it removes harm as long as the violation stays, and prints what is left.
#pragma once

#include <cstdint>
#include <optional>

#include "load_generator/scenario/variant.hpp"
#include "program/stop_signal.hpp"

namespace simulation {

struct SearchOptions {
  double hours = 1000;  // of a fleet
  uint64_t seed = 1;    // of the first life; the next ones follow
  size_t instances = 10;
  load::Stage stage = load::Stage::redis;  // or store
  std::optional<double> trace_seconds{};   // shows one life event by event, until then
};

// The exit code: 0 if no life violated anything, else 1; 130 after Ctrl-C. Always prints what was played.
int search_chaos(const SearchOptions& options, const program::StopSignal& stop);

}  // namespace simulation
