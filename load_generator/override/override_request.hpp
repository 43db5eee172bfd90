// What `load_generator override` sends to each instance, checked before anything is sent.
// parse_override() turns the options as they were typed into an OverrideRequest.
// Errors: std::invalid_argument naming the option, one line.
// The token is part of a request header and of nothing else: it is never printed, and never on a command line.
#pragma once

#include <string>
#include <vector>

#include "load_generator/api/default_targets.hpp"

namespace load {

// As typed; an empty text is an option that was not given.
struct OverrideOptions {
  std::string command;  // status, force-open, force-close, disable, metrics-only, auto or reset
  std::string reason = "by hand";
  std::string actor;       // by default the user
  std::string duration;    // how long the override holds; by default until `auto`
  std::string tenant;      // whose breaker; by default the instance's common one
  std::string token_file;  // its first line is the token that the instances want
  std::vector<std::string> instances = default_targets;
};

struct OverrideRequest {
  std::string command;
  std::vector<std::string> instances;  // URLs without a slash at the end
  std::string query;                   // empty, or ?tenant=NAME with NAME %-encoded
  std::string body;                    // of the PUT; empty for the command `status`
  std::string token;                   // empty: none
  bool only_reads() const { return body.empty(); }
};

OverrideRequest parse_override(const OverrideOptions& options);

}  // namespace load
