// The measures that follow from the states of instances over time. Pure.
#pragma once

#include "load_generator/record/measures.hpp"

namespace load {

void measure_states(const Run& run, const Timeline& timeline, Measures& measures);

}  // namespace load
