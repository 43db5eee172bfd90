// A prediction is made for a machine that lets its programs run. machine_noise() looks in a run for signs that this one
// did not: calls that went out late, an instance that was not heard for a while, or one that went by a breaker of its
// own although nothing had been done to Redis. What a stall held up reaches the upstream all at once, and Redis has
// only some milliseconds to answer; so a figure of such a run says more about the machine than about the breaker.
// (What must hold on a busy machine, too, is checked elsewhere: see chaos_check.hpp.)
#pragma once

#include <string>

#include "load_generator/record/run_record.hpp"
#include "load_generator/scenario/faults.hpp"

namespace load {

// In words, the first of the signs; empty: there is none. `faults`: what was done to the run on purpose. Pure.
std::string machine_noise(const Run& run, const Faults& faults);

}  // namespace load
