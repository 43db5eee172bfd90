// Runs side by side: measures in columns, then every prediction beside what was measured.
#pragma once

#include <string>
#include <vector>

#include "load_generator/report/run_file.hpp"

namespace load {

// At most 80 columns; more than four runs become several tables.
std::string comparison(const std::vector<Summary>& runs);

// Each prediction of one run, and whether it held; nothing for a run without any. Then only those that did not.
std::string verdicts(const Summary& run);
std::string failed_verdicts(const Summary& run);

bool every_expectation_held(const std::vector<Summary>& runs);

}  // namespace load
