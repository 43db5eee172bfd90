// Why calls were unreachable: no connection, no answer in time, an answer that is none.
#pragma once

#include <map>
#include <string>
#include <utility>

#include "load_generator/record/run_record.hpp"

namespace load {

// The number of unreachable calls, by target and error.
std::map<std::pair<size_t, std::string>, uint64_t> unreachable_calls(const Run& run);

}  // namespace load
