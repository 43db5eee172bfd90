// `load_generator chaos`: injects faults at random, and checks what must hold all the same.
#pragma once

#include <string>

#include "load_generator/chaos/chaos_plan.hpp"
#include "program/stop_signal.hpp"

namespace load {

struct ChaosOptions {
  ChaosSettings settings;
  std::string out;  // empty: runs/chaos-SEED.json beside the folder of the binaries
};

// The exit code: 0 if every check held, else 1; 130 after Ctrl-C.
int chaos_command(const ChaosOptions& options, const program::StopSignal& stop);

}  // namespace load
