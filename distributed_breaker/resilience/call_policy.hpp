// The settings of the protections around an upstream call: deadline, retries, bulkhead and fallback. All are off by
// default. One name everywhere: `retry_backoff` here, retry_backoff_ms in JSON, --retry-backoff on a command line.
// Validation, options and JSON are generated from call_settings(), so that none of them can miss a setting.
// Errors: validate() lists settings that are out of range or useless without another; require_valid() throws them.
#pragma once

#include <chrono>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "simple_breaker/policies/setting.hpp"

namespace cb {

// The answer to a call that failed. none: its error. last_good: the latest good answer, with its age.
enum class Fallback { none, fixed, last_good };

std::string_view to_text(Fallback fallback);

struct CallPolicy {
  // Upper limit for the whole call: all attempts, waiting for a slot, and backoff. Zero: no deadline; each attempt
  // still has its own timeout.
  std::chrono::milliseconds deadline{0};

  // Attempts including the first; 1: no retries. Zero is refused. At most ten: if ten attempts failed, an eleventh
  // will.
  int max_attempts = 1;

  // The wait before the first retry. Zero: retries follow at once. 50 ms: enough to outlast a dropped connection, and
  // hardly noticed by a user.
  std::chrono::milliseconds retry_backoff{50};

  // The factor from one wait to the next. Zero is refused; 1: all waits are equal. Two: the usual choice.
  double retry_backoff_multiplier = 2;

  // Upper limit of each wait; at least retry_backoff. Zero: only with retry_backoff 0. One second: users do not wait
  // longer for a web page.
  std::chrono::milliseconds retry_backoff_maximum{1000};

  // The random share by which a wait is shortened. Zero: waits are exact, and callers that failed together retry
  // together. Half: the retries spread, but every caller still waits.
  double retry_jitter = 0.5;

  // Retries allowed per call over time, 0 to 1. Zero: no budget, retries are unlimited.
  double retry_budget = 0;

  // Attempts in flight at once. Zero: no bulkhead.
  int max_concurrent_calls = 0;

  // Calls that may wait for a slot of the bulkhead. Zero: no queue; a call that finds no free slot is refused at once.
  int max_queued_calls = 0;

  Fallback fallback = Fallback::none;

  // The answer of Fallback::fixed: 1 byte to 4 KiB of any format. Empty with any other fallback.
  std::string fallback_answer{};

  bool operator==(const CallPolicy&) const = default;
};

// All settings that are numbers or durations (all but the fallback's two), in the order of CallPolicy.
std::span<const Setting<CallPolicy>> call_settings();

// One line per fault, such as "max_attempts is 0; it must be 1 to 10". Empty: the policy is valid.
std::vector<std::string> validate(const CallPolicy& policy);

// Throws std::invalid_argument with the lines of validate(), if there are any.
void require_valid(const CallPolicy& policy);

}  // namespace cb
