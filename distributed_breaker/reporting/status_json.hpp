// What GET /status says of a breaker and of the calls that it saw, as JSON.
#pragma once

#include <nlohmann/json.hpp>

#include "distributed_breaker/reporting/notable_calls.hpp"
#include "distributed_breaker/reporting/transition_log.hpp"
#include "simple_breaker/breaker.hpp"
#include "simple_breaker/policy.hpp"

namespace cb {

nlohmann::ordered_json to_json(const LoggedTransition& transition);
nlohmann::ordered_json to_json(const NotableCall& call);

// `policy` says whether there is a window to speak of.
nlohmann::ordered_json to_json(const std::string& name, const DetailedStatus& status, const Policy& policy);

// Text from outside may hold bytes that are no UTF-8: they are replaced.
std::string dumped(const nlohmann::ordered_json& json);

}  // namespace cb
