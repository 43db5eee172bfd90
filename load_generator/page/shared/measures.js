// What each measure counts, in a sentence for a user who has to guess it, and what the designs are called. The names are
// those of load_generator/record/measures.hpp; a measure without an entry here is shown by its name only.

const meanings = {
  upstream_calls: 'calls that the upstream received, according to its ledger',
  upstream_failures: 'calls that the upstream failed, left hanging or dropped, according to its ledger',
  counted_failures: 'failed calls that the breakers of all instances counted; late results are not counted',
  load_factor: 'calls that reached the upstream per call that callers made; 1 means as many',
  success: 'calls that the upstream answered',
  failure: 'calls that the upstream answered with an error',
  exception: 'calls that got no answer from the upstream in time',
  blocked: 'calls that the breakers of all instances rejected at once',
  unreachable: 'calls that an instance did not answer',
  refused_by_bulkhead: 'calls rejected because too many were in progress',
  late: 'results that arrived after the breaker had changed its state',
  opened: 'how often a breaker opened, also after failed probes',
  opened_locally: 'how often an instance’s local breaker opened while Redis was unavailable',
  closed_again: 'how often a breaker closed again',
  would_have_tripped: 'how often a breaker would have opened if it did not only measure',
  probes: 'trial calls that a half-open breaker let through',
  failed_probes: 'probes that did not succeed',
  most_probes_at_once: 'the largest number of probes in progress at one time',
  calls_per_trip: 'calls that a breaker let through before it opened, on average',
  instances_that_opened: 'how many instances opened at least once',
  blocked_elsewhere: 'calls rejected by the instances whose network worked',
  shortest_break_ms: 'the shortest time that a breaker stayed open, in ms',
  longest_break_ms: 'the longest time that a breaker stayed open, in ms',
  longest_half_open_ms: 'the longest time that an instance stayed half-open, in ms',
  disagreement_ms: 'how long instances were in different states, in ms',
  local_ms: 'the longest time that an instance used its local breaker because Redis was unavailable, in ms',
  rejoined_ms: 'from the return of Redis until all instances shared the breaker again, in ms',
  closed_at_end: 'instances that were closed at the end',
  local_at_end: 'instances that still used their local breaker at the end',
  p99_success_ms: 'the time within which 99 of 100 answered calls were answered, in ms',
  slowest_answer_ms: 'the longest time that a caller waited for an answer, in ms',
  wasted: 'calls that failed although another instance’s breaker was already open when they were sent',
  redis_scripts: 'scripts that Redis ran for the instances',
  unexplained: 'calls that only one side recorded: the callers or the upstream’s ledger',
};

const designs = {
  simple: 'one process, one breaker',
  distributed: 'one breaker in each instance',
  redis: 'one breaker, shared through Redis',
  naive: 'shared through Redis, naively',
};

export const measureMeaning = (measure) => (Object.hasOwn(meanings, measure) ? meanings[measure] : '');
export const designName = (variant) => (Object.hasOwn(designs, variant) ? `${variant} (${designs[variant]})` : variant);
