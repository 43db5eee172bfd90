// The upstream's ledger when all that it has received is done: a caller that was killed leaves a call behind on which
// the upstream is still at work.
#pragma once

#include <optional>
#include <string>

#include "load_generator/record/run_record.hpp"
#include "program/stop_signal.hpp"

namespace load {

// Waits up to three seconds for it, and then takes what is there; nothing where the upstream does not answer.
std::optional<Ledger> settled_ledger(const std::string& upstream, const program::StopSignal& stop);

}  // namespace load
