// Faults and ledgers as the HTTP interface writes them, and the one thing it reads: the body of PUT /fault.
// Errors: std::invalid_argument, one line that names the field and quotes its value.
#pragma once

#include <string>

#include "unreliable_service/fault_plan.hpp"
#include "unreliable_service/ledger.hpp"

namespace unreliable {

// {"failure_rate":0.6,"latency_ms":0,"hang_rate":0.0,"drop_rate":0.0}, and "plan" where one runs.
std::string fault_json(const Fault& present, const FaultPlan& plan);

// {"total":{"received":2,"success":1,...},"callers":{"Instance-A":{...}}}
std::string ledger_json(const LedgerPage& page);

// {"error":"..."}
std::string error_json(const std::string& error);

// What PUT /fault asks for: {"plan":"..."} alone, or any of the fault's fields, which then change in `present`; it is
// no longer "down", for only a plan says so.
FaultPlan read_fault_change(const std::string& body, const Fault& present);

}  // namespace unreliable
