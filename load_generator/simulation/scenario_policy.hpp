// The settings that a scenario passes to its programs as options, read as those programs read them.
// Errors: std::invalid_argument naming the file and the setting.
#pragma once

#include "distributed_breaker/resilience/call_policy.hpp"
#include "load_generator/scenario/scenario.hpp"
#include "simple_breaker/policy.hpp"

namespace simulation {

cb::Policy policy_of(const load::Scenario& scenario, const load::Variant& variant);
cb::CallPolicy call_policy_of(const load::Scenario& scenario, const load::Variant& variant);

}  // namespace simulation
