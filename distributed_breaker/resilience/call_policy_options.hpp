// What stands round the upstream call, as command-line options: retry_backoff is --retry-backoff. Apart from the
// policy, so that the protections themselves know nothing of command lines.
#pragma once

#include <CLI/CLI.hpp>

#include "distributed_breaker/resilience/call_policy.hpp"

namespace cb {

// `policy` holds the defaults, which --help shows, and outlives the parsing. Ranges are require_valid()'s business:
// call it after parsing.
void add_call_policy_options(CLI::App& app, CallPolicy& policy);

}  // namespace cb
