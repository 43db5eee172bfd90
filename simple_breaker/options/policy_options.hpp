// The breaker's settings as command-line options, the same in all three stages: failure_threshold is
// --failure-threshold. Separate from the policy, so that the breaker itself does not depend on command lines.
#pragma once

#include "program/command_line/options.hpp"
#include "simple_breaker/policy.hpp"

namespace cb {

// `policy` holds the defaults, which --help shows, and must outlive the parsing. Call require_valid() afterwards:
// parsing does not check ranges.
void add_policy_options(program::CommandLine& app, Policy& policy);

}  // namespace cb
