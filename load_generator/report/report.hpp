// The final report of a run, for a person: at most 80 columns, no colours, so that it reads the same in a pipe.
#pragma once

#include <string>

#include "load_generator/record/run_record.hpp"

namespace load {

std::string report(const Run& run);

}  // namespace load
