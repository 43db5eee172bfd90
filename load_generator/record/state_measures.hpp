// Those of the measures that are taken from the states of instances over time. Pure.
#pragma once

#include "load_generator/record/measures.hpp"

namespace load {

void measure_states(const Run& run, Measures& measures);

}  // namespace load
