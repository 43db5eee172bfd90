// Starts a fleet of stage 3 with everything its own, sends load, does to it what the plan says, lets all be well again,
// and returns what happened. Prints each deed when it is done. Main thread only (see ChildProcess).
// Throws std::invalid_argument where a setting makes no sense, std::runtime_error where a program does not start.
#pragma once

#include <ostream>

#include "load_generator/chaos/chaos_check.hpp"
#include "program/stop_signal.hpp"

namespace load {

ChaosHistory run_chaos(const ChaosSettings& settings, const program::StopSignal& stop, std::ostream& out);

// The lines that an instance wrote with --log-format json, `started` being when the load began, since 1970. What is no
// such line is left out.
std::vector<LogLine> read_log(const std::string& text, size_t target, Offset started);

}  // namespace load
