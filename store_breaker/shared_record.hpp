// What a shared breaker has beside the transition table: a quorum of reporters, the last failure, the person behind an
// override. With the table itself this is all that can happen to a record. Pure; nothing here throws.
#pragma once

#include <chrono>
#include <string>

#include "simple_breaker/policy.hpp"
#include "store_breaker/record.hpp"

namespace cb {

// Applies an event that `instance` reports. `instance` is unique in the fleet.
Reply apply(Record& record, const Policy& policy, const std::string& instance, const Event& event, TimePoint now);

// How long a store keeps the record after `now`: a day longer than a break or an override needs it, and a month for an
// override until further notice, which so outlives a fleet that is down.
std::chrono::microseconds lifetime(const Snapshot& snapshot, const Policy& policy, TimePoint now);

}  // namespace cb
