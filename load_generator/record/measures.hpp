// Measures are the figures that a scenario's expectations refer to: one number each, by name, from a Run. Pure.
//
//   upstream_calls         calls that the upstream received, by its ledger
//   upstream_failures      those that it failed, hung or dropped, by its ledger
//   counted_failures       upstream_failures without the late ones: what the breakers counted, local ones included
//   load_factor            upstream_calls per call that callers made; above 1 by retries, below by blocked calls
//   success, failure, exception, blocked, unreachable    answers to callers, by status
//   refused_by_bulkhead    blocked calls that a bulkhead refused, not a breaker
//   late                   results that arrived after the generation that had admitted the call was over
//   wasted                 calls that failed at the upstream, although another instance's breaker was open when they
//                          were sent: what one instance knew and another did not (see timeline.hpp)
//   opened                 transitions to open from another state, failed probes included
//   opened_locally         the same, of local breakers while Redis is away; no other measure counts these
//   closed_again           transitions to closed from another state
//   would_have_tripped     trips that breakers report that they would have made, had they been enforcing
//   probes                 calls that a half-open breaker admitted (and whose answer arrived)
//   failed_probes          those that did not succeed
//   most_probes_at_once    largest group of probes; a group ends where the next gap exceeds recovery_timeout / 2
//   calls_per_trip         mean number of calls that a closed generation admitted before it tripped (without probes and
//                          late ones)
//   instances_that_opened  instances that a poll or a transition of theirs showed open
//   blocked_elsewhere      blocked at the instances whose network was not broken
//   shortest_break_ms      shortest open period, by reported transitions; one that has not ended does not count
//   longest_break_ms       longest, likewise
//   longest_half_open_ms   longest half-open period of an instance, or to the end (see timeline.hpp)
//   disagreement_ms        time in which instances that answer are in different states (see timeline.hpp)
//   local_ms               longest time in which an instance was on its local breaker, for want of Redis (polled)
//   rejoined_ms            from Redis's return (a restart, a continue) until the last instance shares again (polled)
//   closed_at_end          instances whose breaker was closed in the last poll
//   local_at_end           instances that were on their local breaker in the last poll
//   p99_success_ms         latency that 99 % of the successes did not exceed
//   slowest_answer_ms      longest latency of a call that was answered, whatever the answer
//   redis_scripts          scripts that Redis ran for the instances during the load
//   unexplained            calls that only the instances or only the ledger knows
//
// A measure that the run cannot provide (no ledger, no trip, no call) is absent, not 0.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "load_generator/record/run_record.hpp"
#include "load_generator/record/timeline.hpp"

namespace load {

using Measures = std::map<std::string, double>;

Measures measure(const Run& run, const Timeline& timeline);

// Every name above, in that order.
const std::vector<std::string>& measure_names();

}  // namespace load
