// The breaker's settings as command-line options, the same in all three stages: failure_threshold is
// --failure-threshold. Separate from the policy, so that the breaker itself does not depend on command lines.
#pragma once

#include <CLI/CLI.hpp>

#include "simple_breaker/policy.hpp"

namespace cb {

// `policy` holds the defaults, which --help shows, and must outlive the parsing. Call require_valid() afterwards:
// parsing does not check ranges.
void add_policy_options(CLI::App& app, Policy& policy);

}  // namespace cb
