import assert from 'node:assert/strict';
import test from 'node:test';
import { momentAt, passedBy } from './moment.js';

const random = (seed) => () => (seed = (seed * 16807) % 2147483647) / 2147483647;
const event = (at_ms_since_start, fields) => ({ at_ms_since_start, ...fields });

// A run that is made up: calls with any outcome, changes of state, and the marks and steps that a run's file would have.
const madeUpRun = (seed, { hasCalls = true } = {}) => {
  const next = random(seed);
  const length = 2000 + Math.floor(next() * 8000);
  const instances = ['Instance-A', 'Instance-B', 'Instance-C'].slice(0, 1 + Math.floor(next() * 3));
  const pick = (list) => list[Math.floor(next() * list.length)];
  const calls = Array.from({ length: 400 }, () => {
    const took = pick([0.7, 2.3, 8, 400]) * (1 + next());
    const status = pick(['success', 'success', 'failure', 'exception', 'blocked', 'unreachable']);
    return event(next() * (length - took), { took_ms: took, instance: pick(instances), status,
      upstream_calls: status === 'blocked' || status === 'unreachable' ? 0 : 1, probe: next() < 0.05, late: next() < 0.05 });
  }).filter(({ at_ms_since_start: at, took_ms: took }) => at >= 0 && at + took <= length).sort((a, b) => a.at_ms_since_start - b.at_ms_since_start);
  const transitions = Array.from({ length: 20 }, () =>
    event(next() * length, { instance: pick(instances), from: 'closed', to: pick(['open', 'closed', 'half_open']), cause: 'made up' }));
  const steps = Math.ceil(length / 200);
  const perStep = (amount) => calls.reduce((list, call) => {
    list[Math.floor(call.at_ms_since_start / 200)] += amount(call);
    return list;
  }, Array(steps).fill(0));
  const states = Object.fromEntries(instances.map((name) => [name, [event(1, { state: 'closed' }),
    ...transitions.filter(({ instance }) => instance === name).sort((a, b) => a.at_ms_since_start - b.at_ms_since_start)
      .map(({ at_ms_since_start: at, to }) => event(at, { state: to }))]]));
  const marks = calls.filter(({ status, probe, late }) => ['failure', 'exception'].includes(status) || probe || late)
    .map(({ at_ms_since_start: at, instance, status, probe, late }) => event(at, { instance, status, probe, late, wasted: next() < 0.3 }));
  return { name: 'made-up', variant: 'redis', instances, length_ms: length, transitions, states, marks, ...(hasCalls && { calls }),
    traffic: { step_ms: 200, upstream_calls: perStep((call) => call.upstream_calls), blocked: perStep((call) => Number(call.status === 'blocked')),
      upstream_failures: perStep((call) => (call.status === 'success' ? 0 : call.upstream_calls)) } };
};

const moments = (run, seed) => {
  const next = random(seed);
  return Array.from({ length: 100 }, () => next() * run.length_ms);
};

test('at any moment the counts are those of the calls that were over by then', () => {
  for (const seed of [11, 12, 13, 14, 15]) {
    const run = madeUpRun(seed);
    const changes = run.transitions.map((each) => each.at_ms_since_start);
    for (const time of moments(run, seed)) {
      const { counts } = momentAt(run, time);
      const sent = run.calls.filter((call) => call.at_ms_since_start <= time);
      assert.equal(counts.upstream_calls, sent.reduce((sum, call) => sum + call.upstream_calls, 0));
      // A transition may be dated up to 5 ms before the outcome that caused it.
      const isOver = (call, slack) => call.at_ms_since_start + call.took_ms <= time + slack;
      const between = (kind, counted) => {
        const [least, most] = [0, 5].map((slack) => sent.filter((call) => isOver(call, slack)).reduce((sum, call) => sum + counted(call), 0));
        assert.ok(least <= counts[kind] && counts[kind] <= most, `${kind} at ${time}: ${least} to ${most}, not ${counts[kind]}`);
        if (!changes.some((change) => change > time - 5 && change <= time)) assert.equal(counts[kind], least);
      };
      between('blocked', ({ status }) => Number(status === 'blocked'));
      between('unanswered', ({ status }) => Number(status === 'exception' || status === 'unreachable'));
      between('upstream_failures', (call) => (call.status === 'success' ? 0 : call.upstream_calls));
      between('probes', ({ probe }) => Number(probe));
      between('late', ({ late }) => Number(late));
      assert.equal(counts.counted_to, time);
    }
  }
});

test('at any moment states, agreement and the last change are those of the transitions up to then', () => {
  for (const seed of [21, 22, 23]) {
    const run = madeUpRun(seed);
    for (const time of moments(run, seed)) {
      const { counts, states, agreement, last } = momentAt(run, time);
      const over = run.transitions.filter((each) => each.at_ms_since_start <= time).sort((a, b) => a.at_ms_since_start - b.at_ms_since_start);
      assert.equal(counts.transitions, over.length);
      assert.equal(last, over.at(-1));
      const expected = run.instances.map((name) => over.findLast(({ instance }) => instance === name)?.to ?? 'closed');
      assert.deepEqual(run.instances.map((name) => states.get(name).state), expected);
      assert.equal(agreement.agree, new Set(expected).size === 1);
    }
  }
});

test('a failure that opens a breaker is counted at the moment when it opens', () => {
  const call = event(10, { took_ms: 1.4, instance: 'Instance-A', status: 'failure', upstream_calls: 1 });
  const run = { ...madeUpRun(1), instances: ['Instance-A'], calls: [call], transitions: [event(11, { instance: 'Instance-A', to: 'open' })],
    traffic: { step_ms: 200, upstream_calls: [1], upstream_failures: [1], blocked: [0] } };
  assert.equal(momentAt(run, 10.9).counts.upstream_failures, 0);
  assert.equal(momentAt(run, 11).counts.upstream_failures, 1);
});

test('a call that hangs is not lost before it is over, although it was sent', () => {
  const call = event(10, { took_ms: 1000, instance: 'Instance-A', status: 'exception', upstream_calls: 1 });
  const run = { ...madeUpRun(1), instances: ['Instance-A'], calls: [call], transitions: [], length_ms: 3000,
    traffic: { step_ms: 200, upstream_calls: [1], upstream_failures: [1], blocked: [0] } };
  const { counts } = momentAt(run, 500);
  assert.deepEqual([counts.upstream_calls, counts.upstream_failures, counts.unanswered], [1, 0, 0]);
  assert.equal(momentAt(run, 1010).counts.unanswered, 1);
});

test('at its end a run has counted everything, with calls and without', () => {
  for (const hasCalls of [true, false]) {
    const run = madeUpRun(31, { hasCalls });
    const { counts } = momentAt(run, run.length_ms);
    const sum = (numbers) => numbers.reduce((total, each) => total + each, 0);
    for (const kind of ['upstream_calls', 'upstream_failures', 'blocked']) assert.equal(counts[kind], sum(run.traffic[kind]), kind);
    assert.equal(counts.wasted, run.marks.filter(({ wasted }) => wasted).length);
    assert.equal(counts.transitions, run.transitions.length);
  }
});

test('without a list of calls they are counted in whole steps, and the marks of that time with them', () => {
  const run = madeUpRun(41, { hasCalls: false });
  for (const time of moments(run, 41)) {
    const { counts } = momentAt(run, time);
    const steps = Math.floor(time / 200);
    assert.equal(counts.counted_to, steps * 200);
    assert.equal(counts.upstream_calls, run.traffic.upstream_calls.slice(0, steps).reduce((sum, each) => sum + each, 0));
    assert.equal(counts.unanswered, run.marks.filter((mark) => ['exception', 'unreachable'].includes(mark.status) && mark.at_ms_since_start < steps * 200).length);
  }
});

test('a list that lacks calls is not counted', () => {
  const whole = madeUpRun(51);
  const run = { ...whole, calls: whole.calls.slice(50) };
  assert.equal(momentAt(run, 1050).counts.counted_to, 1000);
});

test('of transitions at one moment, the one that was stepped to is the last', () => {
  const same = ['first', 'second', 'third'].map((cause) => event(400, { instance: 'Instance-A', from: 'closed', to: 'open', cause }));
  const run = { ...madeUpRun(61), transitions: same };
  assert.equal(momentAt(run, 400, 2).last.cause, 'second');
  assert.equal(momentAt(run, 400, 2).counts.transitions, 2);
  assert.equal(momentAt(run, 400).last.cause, 'third');
  assert.equal(passedBy(run, 399.9), 0);
});
