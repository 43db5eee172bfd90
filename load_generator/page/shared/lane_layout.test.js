import assert from 'node:assert/strict';
import test from 'node:test';
import { flagsOf, localSpansOf, markGroups, spansOf } from './lane_layout.js';

const mark = (at, fields) => ({ at_ms_since_start: at, status: 'failure', ...fields });
const change = (at, to) => ({ at_ms_since_start: at, to });
const random = (seed) => () => (seed = (seed * 16807) % 2147483647) / 2147483647;

test('marks that would cover each other are one with a number, and others are not', () => {
  const groups = markGroups([mark(10), mark(12), mark(14), mark(60)], (time) => time);
  assert.deepEqual(groups.map(({ items }) => items.map(({ kind, count, x }) => [kind, count, x])), [[['failure', 3, 10]], [['failure', 1, 60]]]);
  assert.deepEqual(groups.map(({ from, to }) => [from, to]), [[10, 14], [60, 60]]);
});

test('whatever the marks, all are counted once, and no mark or number covers another', () => {
  const next = random(7);
  for (let run = 0; run < 50; run += 1) {
    const kinds = [{}, { wasted: true }, { status: 'exception' }, { late: true }, { probe: true }, { probe: true, status: 'success' }];
    const marks = Array.from({ length: 300 }, () => mark(next() * 1000 * (run + 1), kinds[Math.floor(next() * kinds.length)]));
    marks.sort((a, b) => a.at_ms_since_start - b.at_ms_since_start);
    const groups = markGroups(marks, (time) => time);
    const items = groups.flatMap((group) => group.items);
    assert.equal(items.reduce((sum, { count }) => sum + count, 0), 300);
    assert.equal(items.filter(({ isWasted }) => isWasted).reduce((sum, { count }) => sum + count, 0), marks.filter(({ wasted }) => wasted).length);
    let edge = -Infinity;
    for (const { isWasted, x, count } of items) {
      const radius = isWasted ? 7 : 5;
      assert.ok(x - radius >= edge - 1e-9);
      edge = x + radius + (count > 1 ? 6.5 * String(count).length : 0);
    }
  }
});

test('flags within a few pixels stand side by side in their order', () => {
  const flags = flagsOf([change(100, 'half_open'), change(101, 'closed'), change(101.5, 'open'), change(200, 'half_open')], (time) => time);
  assert.deepEqual(flags.map(({ state, x }) => [state, x]), [['half_open', 100], ['closed', 101], ['open', 101.5], ['half_open', 200]]);
  const pennants = flags.map((flag) => flag.pennant);
  for (let i = 1; i < pennants.length; i += 1) assert.ok(pennants[i] - pennants[i - 1] >= 9);
  assert.deepEqual([pennants[0], pennants[3]], [100, 200]);
});

test('of many changes at one place the first have flags, and the others are counted', () => {
  const flags = flagsOf(Array.from({ length: 9 }, (_, i) => change(100 + i / 10, 'open')), (time) => time);
  assert.equal(flags.length, 4);
  assert.equal(flags.at(-1).more, 5);
});

test('a loss of Redis does not split the span of a state', () => {
  const states = [{ at_ms_since_start: 0, state: 'open' }, { at_ms_since_start: 10, state: 'open', store: 'local' },
    { at_ms_since_start: 20, state: 'open' }, { at_ms_since_start: 30, state: 'closed' }];
  assert.deepEqual(spansOf(states, 50), [{ state: 'open', from: 0, to: 30 }, { state: 'closed', from: 30, to: 50 }]);
  assert.deepEqual(localSpansOf(states, 50), [{ from: 10, to: 20 }]);
});
