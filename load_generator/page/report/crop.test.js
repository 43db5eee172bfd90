import assert from 'node:assert/strict';
import test from 'node:test';
import { cutWords, partOf } from './crop.js';

const event = (at, fields = {}) => ({ at_ms_since_start: at, ...fields });
const run = (fields) => ({ variant: 'redis', again: '', length_ms: 4500, transitions: [], marks: [], states: {}, ...fields });

test('runs are drawn from a little before the first failure to a little after the last change, of all of them', () => {
  const early = run({ marks: [event(1000), event(1020)], transitions: [event(1080)] });
  const late = run({ variant: 'distributed', marks: [event(1000)], transitions: [event(1990)] });
  const part = partOf([early, late]);
  assert.deepEqual(part, { start: 900, end: 2200, length: 4500 });
  assert.equal(cutWords(part),
    'Drawn from 0.90 s to 2.20 s of 4.50 s. Cut off: the first 0.90 s and the last 2.30 s, in which no call failed and no breaker changed its state.');
});

test('a failure after the last change is drawn', () => {
  const made = run({ marks: [event(1000), event(2500)], transitions: [event(1080)] });
  assert.deepEqual(partOf([made]), { start: 800, end: 2700, length: 4500 });
});

test('without a change, and where little would be cut off, all is drawn', () => {
  assert.deepEqual(partOf([run({ marks: [event(3000)] })]), { start: 0, end: 4500, length: 4500 });
  const whole = run({ marks: [event(150)], transitions: [event(160), event(4200)] });
  assert.deepEqual(partOf([whole]), { start: 0, end: 4500, length: 4500 });
  assert.equal(cutWords(partOf([whole])), '');
});

test('a change before the load begins does not move the start below 0', () => {
  const { start } = partOf([run({ transitions: [event(-1494), event(500)] })]);
  assert.equal(start, 0);
});

test('an instance that dies, or a breaker that becomes a local one, is a change', () => {
  const died = run({ transitions: [event(1000)], states: { A: [event(1, { state: 'closed' }), event(2500, { state: 'unknown' })] } });
  assert.ok(partOf([died]).end > 2500);
  const local = run({ transitions: [event(1000)], states: { A: [event(1, { state: 'open' }), event(2600, { state: 'open', store: 'local' })] } });
  assert.ok(partOf([local]).end > 2600);
  const polled = run({ transitions: [event(1000)], states: { A: [event(1, { state: 'closed' }), event(3000, { state: 'open' })] } });
  assert.ok(partOf([polled]).end < 2000, 'a poll that lags is none');
});
