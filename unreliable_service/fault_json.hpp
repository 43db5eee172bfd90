// Faults and ledgers as the HTTP interface writes them, and the one thing it reads: the body of PUT /fault.
// Errors: std::invalid_argument, one line that names the field and quotes its value.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "unreliable_service/fault_plan.hpp"
#include "unreliable_service/ledger.hpp"

namespace unreliable {

using Callers = std::vector<std::string>;  // names, as in the header X-Caller

// {"failure_rate":0.6,"latency_ms":0,"hang_rate":0.0,"drop_rate":0.0}, "plan" where one runs, and "dropped_callers"
// where there are any.
std::string fault_json(const Fault& present, const FaultPlan& plan, const Callers& dropped_callers);

// {"total":{"received":2,"success":1,...},"callers":{"Instance-A":{...}}}
std::string ledger_json(const LedgerPage& page);

// {"error":"..."}
std::string error_json(const std::string& error);

// What PUT /fault asks for. Nothing: that stays as it is.
struct FaultChange {
  std::optional<FaultPlan> plan;
  std::optional<Callers> dropped_callers;
};

// {"plan":"..."}, or any of the fault's fields, which then change in `present`; it is no longer "down", for only a plan
// says so. Beside either or alone: "dropped_callers":["Instance-B"], at most 26 names of 1 to 64 characters.
FaultChange read_fault_change(const std::string& body, const Fault& present);

}  // namespace unreliable
