// Faults and ledgers as JSON of the HTTP interface, and the parser for the body of PUT /fault.
// Errors: std::invalid_argument with one line that names the field and quotes its value.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "unreliable_service/fault_plan.hpp"
#include "unreliable_service/ledger.hpp"

namespace unreliable {

using Callers = std::vector<std::string>;  // names, as in the header X-Caller

// {"failure_rate":0.6,"latency_ms":0,"hang_rate":0.0,"drop_rate":0.0}, with "plan" if one runs, and "dropped_callers"
// if there are any.
std::string fault_json(const Fault& present, const FaultPlan& plan, const Callers& dropped_callers);

// {"total":{"received":2,"success":1,...},"callers":{"Instance-A":{...}}}
std::string ledger_json(const LedgerPage& page);

// {"error":"..."}
std::string error_json(const std::string& error);

// What PUT /fault requests. An empty optional leaves that part unchanged.
struct FaultChange {
  std::optional<FaultPlan> plan;
  std::optional<Callers> dropped_callers;
};

// {"plan":"..."}, or any of the fault's fields, which replace those of `present`; the result is never "down", as only a
// plan can be. With either, or by itself: "dropped_callers":["Instance-B"], at most 26 names of 1 to 64 characters.
FaultChange read_fault_change(const std::string& body, const Fault& present);

}  // namespace unreliable
