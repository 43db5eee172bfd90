import assert from 'node:assert/strict';
import test from 'node:test';
import { judgementAt, upstreamAt } from './run_judgement.js';

test('what the upstream does at a moment follows from its plan', () => {
  const plan = 'healthy 1s, down 500ms, flaky 0.6 1s, flaky 1 1s, slow 800ms 1s, hang 0 1s, drop 0.2';
  const at = [0, 999, 1000, 1499, 1500, 2600, 3600, 4600, 5600, 1e9];
  assert.deepEqual(at.map((time) => upstreamAt(plan, time)), ['up', 'up', 'down', 'down', 'partly', 'down', 'partly', 'up', 'partly', 'partly']);
  assert.equal(upstreamAt('down', 0), 'down');
});

const run = (fields) => ({ shared_breaker: false, settings: { plan: 'healthy 1s, down 1s, healthy' }, faults: [], ...fields });
const statesOf = (a, b, c) => new Map([['Instance-A', { state: a }], ['Instance-B', { state: b }], ['Instance-C', { state: c }]]);
const toneOf = (fields, states, time) => judgementAt(run(fields), states, time).tone;

test('where the network of one instance is cut, it is right that only that one is open, and wrong that all are', () => {
  const cut = { faults: [{ cut_off: 'Instance-B' }] };
  assert.equal(toneOf(cut, statesOf('closed', 'open', 'closed'), 500), 'right');
  const { tone, text } = judgementAt(run({ ...cut, shared_breaker: true }), statesOf('open', 'open', 'open'), 500);
  assert.equal(tone, 'wrong');
  assert.match(text, /only Instance-B is cut off.*because they share one breaker/);
});

test('while the upstream is down all should be open, and afterwards closed', () => {
  assert.equal(toneOf({}, statesOf('open', 'open', 'open'), 1500), 'right');
  assert.equal(toneOf({}, statesOf('open', 'closed', 'open'), 1500), 'wrong');
  assert.equal(toneOf({}, statesOf('closed', 'closed', 'closed'), 2500), 'right');
});

test('an override leaves nothing to judge, and the file of an older version says too little', () => {
  assert.equal(toneOf({ settings: { plan: 'down', override: 'metrics_only' } }, statesOf('closed', 'closed', 'closed'), 500), 'neutral');
  assert.equal(judgementAt(run({ faults: undefined }), statesOf('open', 'open', 'open'), 0), null);
  assert.equal(judgementAt(run({ settings: undefined }), statesOf('open', 'open', 'open'), 0), null);
});
