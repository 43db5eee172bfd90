// A race in virtual time: both designs, one after the other, in some milliseconds. The same givens give the same runs.
// Single-threaded; several may run at once.
#pragma once

#include <vector>

#include "load_generator/race/race_givens.hpp"
#include "load_generator/report/run_file.hpp"

namespace load {

// `distributed`, then `redis`.
std::vector<FinishedRun> simulated_race(const RaceGivens& givens);

}  // namespace load
