import assert from 'node:assert/strict';
import test from 'node:test';
import { lastStepBy, stepsOf, trafficOf } from './traffic_steps.js';

const live = (until) => ({ step_ms: 500, first_step: 10, until, upstream_calls: [4, 6, 1], upstream_failures: [1, 3, 0],
  upstream_unanswered: [0, 2, 0], unanswered: [0, 2, 0], blocked: [0, 0, 5] });

const run = (fields) => ({ length_ms: 1001, marks: [],
  traffic: { step_ms: 200, upstream_calls: [1, 2, 3, 4, 5, 0], upstream_failures: [1, 1, 1, 1, 1, 0], blocked: [0, 0, 0, 0, 1, 0] }, ...fields });

test('a live step that is not over is left out: it would look like a drop', () => {
  assert.deepEqual(stepsOf(live(6400)), [
    { from: 5000, to: 5500, answered: 6, failed: 2, unanswered: 0, blocked: 0 },
    { from: 5500, to: 6000, answered: 6, failed: 2, unanswered: 4, blocked: 0 }]);
});

test('a finished run has steps up to its end, and no call is lost', () => {
  const steps = stepsOf(trafficOf(run()));
  assert.equal(steps.at(-1).to, 1001);
  const total = (kind) => Math.round(steps.reduce((sum, step) => sum + (step[kind] * (step.to - step.from)) / 1000, 0));
  assert.deepEqual([total('answered'), total('failed'), total('blocked')], [10, 5, 1]);
});

test('a run shorter than a step has one step', () => {
  assert.deepEqual(stepsOf(trafficOf(run({ length_ms: 50, traffic: { step_ms: 200, upstream_calls: [1], upstream_failures: [0], blocked: [0] } }))),
    [{ from: 0, to: 50, answered: 20, failed: 0, unanswered: 0, blocked: 0 }]);
});

test('calls without an answer are in the steps in which they were sent, by the calls or else by the marks', () => {
  const lost = [{ at_ms_since_start: 250, status: 'exception' }, { at_ms_since_start: 999, status: 'unreachable' }];
  const others = [{ at_ms_since_start: 250, status: 'failure' }, { at_ms_since_start: 260, status: 'success' }];
  for (const list of ['calls', 'marks']) {
    const { unanswered, upstream_unanswered: silent } = trafficOf(run({ [list]: [...lost, ...others] }));
    assert.deepEqual(unanswered, [0, 1, 0, 0, 1, 0], list);
    assert.deepEqual(silent, [0, 1, 0, 0, 0, 0], list);
  }
});

test('the last step by a time is one that is over by then', () => {
  const steps = stepsOf(live(6600));
  assert.equal(lastStepBy(steps, 5499), undefined);
  assert.equal(lastStepBy(steps, 5500).from, 5000);
  assert.equal(lastStepBy(steps, 1e9).from, 6000);
});
