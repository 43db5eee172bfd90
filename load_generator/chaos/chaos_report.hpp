// A chaos run, told to people and kept in a file. Pure but for write_history().
#pragma once

#include <string>
#include <vector>

#include "load_generator/chaos/chaos_check.hpp"

namespace load {

// Each check, measured beside its bound; then, for each that did not hold, the first violation with what happened round
// it, and how to see it again.
std::string report(const ChaosHistory& history, const std::vector<Verdict>& verdicts);

// Everything: settings, deeds, calls, transitions, logs, ledger, verdicts. Makes the folder where needed; throws
// std::runtime_error naming the path where it cannot be written.
void write_history(const std::string& path, const ChaosHistory& history, const std::vector<Verdict>& verdicts);

}  // namespace load
