// `load_generator simulate border`: when does one breaker for the fleet serve callers better than one in each instance?
// The same half minute of faults for each design, by share of failures, by instances with a broken network, by traffic.
#pragma once

#include <cstdint>

#include "program/stop_signal.hpp"
#include "simple_breaker/policy.hpp"

namespace simulation {

struct BorderOptions {
  size_t instances = 10;
  uint64_t seed = 1;
};

// A breaker in each instance; one for all; one for all that opens when so many instances report failures, and one in
// each besides.
enum class Sharing { each, one, quorum };

struct BorderCase {
  Sharing sharing = Sharing::each;
  cb::Policy policy{};
  double failing = 0;   // share of the upstream's answers
  size_t cut_off = 0;   // instances that cannot reach the upstream
  double traffic = 10;  // calls a second at each instance
};

// What the fault costs the callers, in calls. One that fails counts as much as a good one that is turned away.
struct Cost {
  double failed = 0;       // admitted, and ended in an error
  double turned_away = 0;  // rejected, although the upstream would have answered
  double total() const { return failed + turned_away; }
};

cb::Policy failures_in_a_row();
cb::Policy failure_rate();

// The mean of several runs at low traffic, of one at high traffic.
Cost cost_of(const BorderCase& what, const BorderOptions& options);

// Prints row by row. The exit code: 0, or 130 after Ctrl-C.
int print_border(const BorderOptions& options, const program::StopSignal& stop);

}  // namespace simulation
