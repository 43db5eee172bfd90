// Starts a private fleet of stage 3, sends load, injects the plan's faults, waits until all are over, and returns the
// history. Prints each event. Main thread only (see ChildProcess).
// Throws std::invalid_argument if a setting is invalid, std::runtime_error if a program does not start.
#pragma once

#include <ostream>

#include "load_generator/chaos/chaos_check.hpp"
#include "program/stop_signal.hpp"

namespace load {

ChaosHistory run_chaos(const ChaosSettings& settings, const program::StopSignal& stop, std::ostream& out);

// The lines that an instance wrote with --log-format json; `started` is the start of the load since 1970. Other lines
// are left out.
std::vector<LogLine> read_log(const std::string& text, size_t target, Offset started);

}  // namespace load
