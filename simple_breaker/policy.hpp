// Every setting of a breaker. One name everywhere: `failure_threshold` here and in JSON, --failure-threshold on a
// command line. Zero makes no sense for any of them and is refused by validate().
#pragma once

#include <chrono>
#include <string>
#include <vector>

namespace cb {

struct Policy {
  // Failures in a row that open the circuit; a success in between starts the count anew. Three: one is noise, and each
  // further one is a user who waited for an error.
  int failure_threshold = 3;

  // How long an open circuit rejects before it lets a probe through. Long enough for a restart to finish.
  std::chrono::milliseconds recovery_timeout{10'000};

  // How many probes may be under way at once in half-open. One: an upstream that comes up is not to be trampled.
  int permitted_calls_in_half_open = 1;

  // Probes that must succeed before the circuit closes.
  int success_threshold = 1;

  // How long a probe holds its slot. A prober that dies costs this much and no more, so keep it above the longest call:
  // the result of a probe that takes longer is dropped.
  std::chrono::milliseconds probe_timeout{5'000};

  bool operator==(const Policy&) const = default;
};

// One line for each setting out of range, such as "failure_threshold is 0; it must be 1 to 1000000". Empty: all is
// well.
std::vector<std::string> validate(const Policy& policy);

// Throws std::invalid_argument with the lines of validate(), where there are any.
void require_valid(const Policy& policy);

}  // namespace cb
