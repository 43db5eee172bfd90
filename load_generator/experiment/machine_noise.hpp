// A prediction assumes a machine that runs its programs on time. machine_noise() finds signs that it did not: calls
// that were sent late, an instance that did not answer for a while, or one that used its local breaker although Redis
// had no fault. Calls that a stall delays reach the upstream all at once, and Redis has only some milliseconds to
// answer; so the measures of such a run show the machine more than the breaker. (What must hold on a busy machine, too,
// is checked elsewhere: see chaos_check.hpp.)
#pragma once

#include <string>

#include "load_generator/record/run_record.hpp"
#include "load_generator/scenario/faults.hpp"

namespace load {

// The first sign, as text; empty: none. `faults` are those of the scenario. Pure.
std::string machine_noise(const Run& run, const Faults& faults);

}  // namespace load
