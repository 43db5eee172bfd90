// `load_generator simulate`: plays an experiment in virtual time against each variant, and prints them side by side.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "load_generator/experiment/picture.hpp"
#include "program/stop_signal.hpp"

namespace load {

struct SimulateOptions {
  std::vector<std::string> scenarios;  // names of shipped ones, or files; `all`; or `border`, `chaos`, `scale`
  Detail detail = Detail::picture;
  size_t instances = 0;  // 0: as in the file
  uint64_t seed = 1;
  size_t seeds = 1;                     // more: the distribution of each measure over so many, beside the last real run
  bool against_real = false;            // judges the last real runs by these seeds
  std::vector<std::string> settings;    // failure_threshold=5
  double hours = 1000;                  // of chaos
  std::optional<double> trace_seconds;  // of chaos: shows one life event by event, until then
  std::vector<std::string> designs;     // stages or variants; empty: each one that the scenario has expectations for;
                                        // store: also where it has none, with those of redis
};

// The exit code: 0 if every prediction held, and every real run that is judged agrees; else 1; 130 after Ctrl-C. Where
// the givens differ from the file's, nothing is predicted.
int simulate_command(const SimulateOptions& options, const program::StopSignal& stop);

}  // namespace load
