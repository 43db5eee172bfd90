// The breaker's settings as command-line options, alike in all three stages: failure_threshold is --failure-threshold.
// Apart from the policy, so that the breaker itself knows nothing of command lines.
#pragma once

#include <CLI/CLI.hpp>

#include "simple_breaker/policy.hpp"

namespace cb {

// `policy` holds the defaults, which --help shows, and outlives the parsing. Ranges are require_valid()'s business:
// call it after parsing.
void add_policy_options(CLI::App& app, Policy& policy);

}  // namespace cb
