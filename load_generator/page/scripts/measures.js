// What each measure counts, in a sentence for the one who has to guess it, and what the designs are called. The names
// are those of load_generator/record/measures.hpp; one that is not here is shown by its name alone.
'use strict';

{
  const meanings = {
    upstream_calls: 'calls that the upstream received, by its own ledger',
    upstream_failures: 'calls that the upstream failed, let hang or dropped, by its own ledger',
    counted_failures: 'failed calls that the breakers counted, all instances together; late results are not counted',
    load_factor: 'calls that reached the upstream for each call that callers made; 1 is as many',
    success: 'calls that were answered',
    failure: 'calls that were told of a failure',
    exception: 'calls that got no answer from the upstream in time',
    blocked: 'calls that were turned away at once, all instances together',
    unreachable: 'calls that an instance did not answer at all',
    refused_by_bulkhead: 'calls turned away because too many were under way',
    late: 'results that came after the breaker had moved on',
    opened: 'how often a breaker opened, failed probes included',
    opened_locally: 'how often a breaker opened that stands in while Redis is away',
    closed_again: 'how often a breaker closed again',
    would_have_tripped: 'how often a breaker would have opened, had it been let',
    probes: 'calls that a half-open breaker let through to try',
    failed_probes: 'probes that did not succeed',
    most_probes_at_once: 'the largest number of probes at one time',
    calls_per_trip: 'calls let through before a breaker opened, on average',
    instances_that_opened: 'how many instances were open at some time',
    blocked_elsewhere: 'calls turned away at the instances whose network was whole',
    shortest_break_ms: 'the shortest time that a breaker stayed open, in ms',
    longest_break_ms: 'the longest time that a breaker stayed open, in ms',
    longest_half_open_ms: 'the longest time that an instance stayed half-open, in ms',
    disagreement_ms: 'for how long instances were in different states, in ms',
    local_ms: 'the longest time that an instance decided alone, Redis being away, in ms',
    rejoined_ms: 'from the return of Redis until all share again, in ms',
    closed_at_end: 'instances that were closed at the end',
    local_at_end: 'instances that still decided alone at the end',
    p99_success_ms: 'the time within which 99 of 100 answered calls were answered, in ms',
    slowest_answer_ms: 'the longest time that a caller waited for an answer, in ms',
    wasted: 'calls that failed though another instance’s breaker was open already when they were sent',
    redis_scripts: 'scripts that Redis ran for the instances',
    unexplained: 'calls that stand in one book only, the callers’ or the upstream’s',
  };

  const designs = {
    simple: 'one process, one breaker',
    distributed: 'each instance on its own',
    redis: 'one breaker, shared in Redis',
    naive: 'shared in Redis, the textbook way',
  };

  Lab.measureMeaning = (measure) => (Object.hasOwn(meanings, measure) ? meanings[measure] : '');
  Lab.designWords = (variant) => (Object.hasOwn(designs, variant) ? `${variant} (${designs[variant]})` : variant);
}
