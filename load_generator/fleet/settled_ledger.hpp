// The upstream's ledger, once every request that it received has an outcome: a killed caller leaves a request behind
// that the upstream is still serving.
#pragma once

#include <optional>
#include <string>

#include "load_generator/record/run_record.hpp"
#include "program/stop_signal.hpp"

namespace load {

// Waits up to three seconds, and then returns the ledger as it is; nothing if the upstream does not answer.
std::optional<Ledger> settled_ledger(const std::string& upstream, const program::StopSignal& stop);

}  // namespace load
