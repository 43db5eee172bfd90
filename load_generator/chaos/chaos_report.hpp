// The report of a chaos run, and its file. Pure, except for write_history().
#pragma once

#include <string>
#include <vector>

#include "load_generator/chaos/chaos_check.hpp"

namespace load {

// Each check, measured beside its bound; then, for each that did not hold, its first violation with the events around
// it, and the command that repeats the run.
std::string report(const ChaosHistory& history, const std::vector<Verdict>& verdicts);

// Everything: settings, events, calls, transitions, logs, ledger, verdicts. Makes the folder if needed; throws
// std::runtime_error that names the path if it cannot be written.
void write_history(const std::string& path, const ChaosHistory& history, const std::vector<Verdict>& verdicts);

}  // namespace load
