// Every setting of what stands round the upstream call: a deadline, retries, a bulkhead and a fallback. All are off by
// default. One name everywhere: `retry_backoff` here, retry_backoff_ms in JSON, --retry-backoff on a command line.
// call_settings() is the list that validation, options and JSON are made from, so none of them can forget a setting.
// Errors: validate() lists what is out of range or of no use alone; require_valid() throws it.
#pragma once

#include <chrono>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "simple_breaker/policies/setting.hpp"

namespace cb {

// What a call that got no answer is answered with. none: its error. last_good: the latest good answer, with its age.
enum class Fallback { none, fixed, last_good };

std::string_view to_text(Fallback fallback);

struct CallPolicy {
  // How long the whole call may take: all attempts, waiting for a slot and backoff together. Zero: no deadline; then
  // each attempt still has its own timeout.
  std::chrono::milliseconds deadline{0};

  // Attempts in all, the first one included; 1: no retries. Zero is refused: a call without an attempt is none. At most
  // ten: what ten attempts did not bring, an eleventh will not.
  int max_attempts = 1;

  // The wait before the first retry. Zero: retries follow at once. 50 ms: enough for a dropped connection to be over,
  // and hardly felt by a user.
  std::chrono::milliseconds retry_backoff{50};

  // How much longer each further wait is than the one before it. Zero is refused; 1: all are alike. Two: the classic.
  double retry_backoff_multiplier = 2;

  // No wait is longer than this; never below retry_backoff. Zero: only with retry_backoff 0. A second: nobody waits
  // longer for a web page.
  std::chrono::milliseconds retry_backoff_maximum{1000};

  // Share of each wait that is random: the wait is shortened by up to this share. Zero: waits are exact, and callers
  // that failed together come back together. Half: they spread, and yet each waits.
  double retry_jitter = 0.5;

  // Retries per call that are allowed over time, as a share 0 to 1. Zero: no budget, every retry is made.
  double retry_budget = 0;

  // Attempts under way at once. Zero: no bulkhead.
  int max_concurrent_calls = 0;

  // Calls that may wait for a slot of the bulkhead. Zero: no queue; a call that finds no slot is refused at once.
  int max_queued_calls = 0;

  Fallback fallback = Fallback::none;

  // The answer of Fallback::fixed, and of it alone: JSON text of at most 4 KiB.
  std::string fallback_answer{};

  bool operator==(const CallPolicy&) const = default;
};

// All settings that are numbers or durations, in the order of CallPolicy: all but the fallback's two.
std::span<const Setting<CallPolicy>> call_settings();

// One line for each fault, such as "max_attempts is 0; it must be 1 to 10". Empty: all is well.
std::vector<std::string> validate(const CallPolicy& policy);

// Throws std::invalid_argument with the lines of validate(), where there are any.
void require_valid(const CallPolicy& policy);

// For GET /status. `fallback_answer` only where it is used, and as the text that it is.
nlohmann::ordered_json to_json(const CallPolicy& policy);

}  // namespace cb
