// The measures of runs in groups, and for each how long its bars are. Pure.

const groups = [
  { title: 'Calls', names: ['upstream_calls', 'upstream_failures', 'counted_failures', 'load_factor', 'success', 'failure', 'exception', 'blocked',
    'blocked_elsewhere', 'wasted', 'late', 'unreachable', 'refused_by_bulkhead', 'unexplained'] },
  { title: 'Breaker', names: ['opened', 'closed_again', 'would_have_tripped', 'calls_per_trip', 'instances_that_opened', 'closed_at_end',
    'shortest_break_ms', 'longest_break_ms', 'disagreement_ms'] },
  { title: 'Probes', names: ['probes', 'failed_probes', 'most_probes_at_once', 'longest_half_open_ms'] },
  { title: 'Latency', names: ['p99_success_ms', 'slowest_answer_ms'] },
  { title: 'Store', names: ['redis_scripts', 'opened_locally', 'local_ms', 'rejoined_ms', 'local_at_end'] },
];
const others = 'Other measures';

const expectationOf = (run, measure) => run.expectations.find((each) => each.measure === measure) ?? null;

// A measure is shown if a run has an expectation for it, or if it is not 0 in all runs.
const isShown = (runs, measure) => runs.some((run) => expectationOf(run, measure) !== null || Boolean(run.measures[measure]));

const finite = (figures) => figures.filter((figure) => Number.isFinite(figure));

// Of a figure, in percent of the longest bar.
const share = (figure, longest) => (Number.isFinite(figure) ? Math.max(0, Math.min(100, (figure / longest) * 100)) : 0);

const cellOf = (run, measure, longest) => {
  const expectation = expectationOf(run, measure);
  const measured = run.measures[measure] ?? null;
  const cell = { measured, length: share(measured, longest), expectation };
  if (expectation === null) return cell;
  const from = share(expectation.at_least ?? 0, longest);
  return { ...cell, band: { from, to: expectation.at_most === undefined ? 100 : share(expectation.at_most, longest) } };
};

export const rowOf = (runs, measure) => {
  const figures = runs.flatMap((run) => {
    const { at_least: low, at_most: high } = expectationOf(run, measure) ?? {};
    return [run.measures[measure], low, high];
  });
  const longest = Math.max(0, ...finite(figures)) || 1;
  return { measure, cells: runs.map((run) => cellOf(run, measure, longest)) };
};

// [{ title, rows: [{ measure, cells: [{ measured, length, band, expectation }] }] }], without groups that have nothing.
export const groupsOf = (runs) => {
  const measures = [...new Set(runs.flatMap((run) => [...Object.keys(run.measures), ...run.expectations.map(({ measure }) => measure)]))];
  const known = groups.flatMap(({ names }) => names);
  const all = [...groups, { title: others, names: measures.filter((measure) => !known.includes(measure)) }];
  return all.map(({ title, names }) => ({ title, rows: names.filter((name) => measures.includes(name) && isShown(runs, name)).map((name) => rowOf(runs, name)) }))
    .filter(({ rows }) => rows.length > 0);
};

const outcomes = { success: 'answered', failure: 'answered with an error', exception: 'no answer in time', blocked: 'rejected by a breaker', unreachable: 'no instance answered' };

// How long calls took, by outcome: [{ outcome, cells: [{ p50, p90, p99, max } or null] }].
export const latenciesOf = (runs) => Object.entries(outcomes)
  .map(([status, outcome]) => ({ outcome, cells: runs.map((run) => run.latency_ms?.[status] ?? null) }))
  .filter(({ cells }) => cells.some((cell) => cell !== null));
