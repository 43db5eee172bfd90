// Every setting of a breaker. Each has one name everywhere: `failure_threshold` here, in JSON and in traces (a
// duration's name ends in `_ms` there), --failure-threshold on a command line. settings() lists them all: options,
// validation, GET /status and the table in README.md come from that list, or are checked against it.
#pragma once

#include <chrono>
#include <span>
#include <string>
#include <vector>

#include "simple_breaker/policies/setting.hpp"

namespace cb {

struct Policy {
  // When to open.

  // Failures in a row that open the circuit; a success resets the count. 0: failures in a row never open it. Default 3:
  // one failure is noise, and each further one is a user who waited for an error.
  int failure_threshold = 3;

  // Share of the calls in the sliding window, 0 to 1, that must fail to open the circuit. 0, the default: no failure
  // rate opens it, as a useful rate depends on the traffic.
  double failure_rate_threshold = 0;

  // Share of the calls in the sliding window, 0 to 1, that must be slow to open the circuit: they took the duration or
  // longer. Rate 0: no rate of slow calls opens it. Duration 0: no call is slow. Both are 0 by default, as only the
  // caller knows what is slow.
  double slow_call_rate_threshold = 0;
  std::chrono::milliseconds slow_call_duration_threshold{0};

  // How far back the rates look, in ten buckets that expire one by one. The breaker keeps a window only while a rate
  // threshold is set. Never 0. Default 10 s: long enough for enough calls, short enough to forget an old fault.
  std::chrono::milliseconds sliding_window_size{10'000};

  // With fewer calls in the window no rate opens the circuit. Never 0. Default 10: of two calls, one is always half.
  int minimum_number_of_calls = 10;

  // Stage 3 only: from how many instances failures must have come. Never 0. Default 1: any instance may open the
  // circuit; more, so that one instance with a broken network cannot. A breaker in memory knows one instance, and opens
  // for that one.
  int minimum_reporting_instances = 1;

  // A closed circuit clears its counts this long after the first call counted. 0, the default: never; the sliding
  // window expires by itself, failures in a row do not.
  std::chrono::milliseconds clear_interval{0};

  // How long to stay open.

  // How long an open circuit rejects before it admits a probe. Never 0. Default 10 s: long enough for a restart.
  std::chrono::milliseconds recovery_timeout{10'000};

  // Each failed probe multiplies the next break by this factor; closing resets it. Default 1: no growth.
  double recovery_timeout_multiplier = 1;

  // Upper limit of a growing recovery_timeout. 0, or any value below recovery_timeout: no growth. Default 5 min: an
  // upstream that recovers at night is in use again within minutes.
  std::chrono::milliseconds recovery_timeout_maximum{300'000};

  // Share of a break, 0 to 1, that is random: each break is shorter by up to that share, so that breakers which opened
  // together do not probe together. 0, the default: none, so that a demo is predictable.
  double recovery_timeout_jitter = 0;

  // How often to poll the upstream's health route while open. The first good answer makes the circuit half-open; a bad
  // one keeps it open for recovery_timeout more, so that no user's call pays for the discovery. 0, the default: never,
  // as not every upstream has an honest health route.
  std::chrono::milliseconds health_check_interval{0};

  // How to close.

  // Probes in flight at once while half-open. Never 0. Default 1: a recovering upstream must not be overrun.
  int permitted_calls_in_half_open = 1;

  // Probes that must succeed before the circuit closes; one that fails opens it at once. Never 0. Default 1.
  int success_threshold = 1;

  // How long a probe may take. Never 0. A probe without an answer by then has failed: the circuit opens, and the break
  // grows. So a prober that dies costs this much and one break. Keep it above the longest call. Default 5 s: above the
  // lab's call timeout of 1 s.
  std::chrono::milliseconds probe_timeout{5'000};

  // How long the circuit may stay half-open before it opens again: only ignored outcomes would leave it there for good.
  // 0, the default: no limit, as a circuit without calls has no need to open.
  std::chrono::milliseconds half_open_timeout{0};

  bool keeps_window() const { return failure_rate_threshold > 0 || slow_call_rate_threshold > 0; }
  bool operator==(const Policy&) const = default;
};

std::span<const Setting<Policy>> settings();

// One line for each setting that is out of range, such as "success_threshold is 0; it must be 1 to 1000000", and for
// settings that contradict each other. Empty: the policy is valid.
std::vector<std::string> validate(const Policy& policy);

// Throws std::invalid_argument with the lines of validate(), if there are any.
void require_valid(const Policy& policy);

}  // namespace cb
