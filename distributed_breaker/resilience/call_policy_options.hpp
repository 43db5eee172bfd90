// The protections around an upstream call as command-line options: retry_backoff is --retry-backoff. In its own header,
// so that the protections do not depend on a command-line library.
#pragma once

#include <string>

#include "distributed_breaker/resilience/call_policy.hpp"
#include "program/command_line/options.hpp"

namespace cb {

// `policy` holds the defaults, which --help shows, and must outlive the parsing. Does not check ranges: call
// require_valid() after parsing.
void add_call_policy_options(program::CommandLine& app, CallPolicy& policy);

// True if a strict parser reads this text too: no byte order mark at its beginning, and no zero byte.
bool is_json(const std::string& text);

}  // namespace cb
