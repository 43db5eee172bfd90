// Every setting of a breaker. One name everywhere: `failure_threshold` here, in JSON and in traces (a duration's name
// ends in `_ms` there), --failure-threshold on a command line. settings() is the list of them all: options, validation,
// GET /status and the table in README.md are made from it, or held to it.
#pragma once

#include <chrono>
#include <span>
#include <string>
#include <vector>

#include "simple_breaker/policies/setting.hpp"

namespace cb {

struct Policy {
  // When to open. Failures in a row that open the circuit; a success in between starts the count anew. 0: never for
  // that reason. Three: one is noise, and each further one is a user who waited for an error.
  int failure_threshold = 3;

  // Share of the calls in the sliding window, 0 to 1, that must have failed. 0: never for that reason.
  double failure_rate_threshold = 0;

  // Share of the calls in the sliding window, 0 to 1, that must have been slow: as long as this or longer. A rate of 0:
  // never for that reason. A duration of 0: no call is slow.
  double slow_call_rate_threshold = 0;
  std::chrono::milliseconds slow_call_duration_threshold{0};

  // How far back the rates look: ten buckets that expire one by one. Kept only while a rate threshold is set.
  std::chrono::milliseconds sliding_window_size{10'000};

  // Fewer calls in the window say nothing about a rate: of two calls, one is always half.
  int minimum_number_of_calls = 10;

  // Stage 3: from how many instances failures must have come. One with a broken network does not speak for the
  // upstream. A breaker in memory knows of one instance only, and opens for that one.
  int minimum_reporting_instances = 1;

  // In a closed circuit, what was counted is forgotten this long after the first of it. 0: never; the sliding window
  // forgets anyway, a row of failures does not.
  std::chrono::milliseconds clear_interval{0};

  // How long to stay open. Long enough for a restart to finish; a failed probe multiplies it, up to the maximum (or
  // itself, where that is longer), and closing forgets the growth. The jitter shortens each break by a random part of
  // up to that share, so that breakers which opened together do not probe together.
  std::chrono::milliseconds recovery_timeout{10'000};
  double recovery_timeout_multiplier = 1;
  std::chrono::milliseconds recovery_timeout_maximum{300'000};
  double recovery_timeout_jitter = 0;

  // How often to ask the upstream's health route while open. The circuit goes half-open as soon as it is well, and
  // stays open for recovery_timeout after it was last ill, so that no user's call pays for finding out. 0: never ask.
  std::chrono::milliseconds health_check_interval{0};

  // How to close. How many probes may be under way at once in half-open. One: an upstream that comes up is not to be
  // trampled.
  int permitted_calls_in_half_open = 1;

  // Probes that must succeed before the circuit closes.
  int success_threshold = 1;

  // How long a probe holds its slot. A prober that dies costs this much and no more, so keep it above the longest call:
  // the result of a probe that takes longer is dropped.
  std::chrono::milliseconds probe_timeout{5'000};

  bool keeps_window() const { return failure_rate_threshold > 0 || slow_call_rate_threshold > 0; }
  bool operator==(const Policy&) const = default;
};

std::span<const Setting<Policy>> settings();

// One line for each setting out of range, such as "success_threshold is 0; it must be 1 to 1000000", and for those that
// make no sense together. Empty: all is well.
std::vector<std::string> validate(const Policy& policy);

// Throws std::invalid_argument with the lines of validate(), where there are any.
void require_valid(const Policy& policy);

}  // namespace cb
