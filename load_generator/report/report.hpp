// The final report of a run, for people: at most 80 columns and no colours, so that it is the same in a pipe.
#pragma once

#include <string>

#include "load_generator/record/run_record.hpp"

namespace load {

std::string report(const Run& run);

}  // namespace load
