// The JSON of GET /status: settings, the breaker, transitions and notable calls.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "distributed_breaker/reporting/notable_calls.hpp"
#include "distributed_breaker/reporting/transition_log.hpp"
#include "distributed_breaker/resilience/call_policy.hpp"
#include "simple_breaker/policies/managed_breaker.hpp"
#include "simple_breaker/policy.hpp"

namespace cb {

// Settings under their names; a duration in milliseconds, with the unit in its name.
void to_json(nlohmann::ordered_json& json, const Policy& policy);
void to_json(nlohmann::ordered_json& json, const CallPolicy& policy);

// Dates are by the instance's clock, which never steps, in milliseconds since the Unix epoch.
int64_t epoch_ms(TimePoint at);

// Beside each date is the event's age at `now`. So a reader needs to know neither that clock nor the wall clock.
nlohmann::ordered_json transitions_json(const std::vector<LoggedTransition>& transitions, TimePoint now);
nlohmann::ordered_json notable_calls_json(const std::vector<NotableCall>& calls, TimePoint now);

// `policy` decides which optional fields there are, such as the counts of a sliding window.
nlohmann::ordered_json breaker_json(const std::string& name, const DetailedStatus& status, const Policy& policy,
                                    TimePoint now);

// As text. Replaces bytes that are not UTF-8, which may come from outside.
std::string dumped(const nlohmann::ordered_json& json);

}  // namespace cb
