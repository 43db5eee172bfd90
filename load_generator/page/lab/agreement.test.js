import assert from 'node:assert/strict';
import test from 'node:test';
import { judge, upstreamState } from './agreement.js';

const states = { C: 'closed', O: 'open', H: 'half_open', '?': 'unknown' };

// 'CoH' has a letter for each instance: closed, open, half-open, unknown (?); `cut` the names of those that are cut off.
const fleet = (letters, cut = '', override = '') => [...letters].map((letter, i) => {
  const name = `Instance-${'ABCDEFGHIJ'[i]}`;
  return { name, state: states[letter], isCutOff: cut.includes(name.at(-1)), override };
});
const says = (letters, { cut, upstream = 'up', isShared = false, override } = {}) =>
  judge({ instances: fleet(letters, cut, override), upstream, isShared });

test('where only one instance is cut off, it is right that only it is open', () => {
  assert.deepEqual(says('COC', { cut: 'B' }), { tone: 'right', text: 'Right: only Instance-B is cut off, and only it is open.' });
  assert.deepEqual(says('CHC', { cut: 'B' }), { tone: 'right', text: 'Right: only Instance-B is cut off, and only it is half-open.' });
  assert.deepEqual(says('OCO', { cut: 'AC' }), { tone: 'right', text: 'Right: only Instance-A and Instance-C are cut off, and only they are open.' });
});

test('where only one instance is cut off, it is wrong that all are open', () => {
  assert.deepEqual(says('OOO', { cut: 'B' }), { tone: 'wrong', text: 'Wrong: only Instance-B is cut off, and all three are open.' });
  assert.deepEqual(says('OOO', { cut: 'B', isShared: true }),
    { tone: 'wrong', text: 'Wrong: only Instance-B is cut off, and all three are open, because they share one breaker.' });
  assert.equal(says('OCC', { cut: 'B' }).text, 'Wrong: only Instance-B is cut off, and Instance-A is open.');
});

test('an instance that is cut off and still closed is not judged yet', () => {
  assert.deepEqual(says('CCC', { cut: 'B' }), { tone: 'neutral', text: 'Only Instance-B is cut off, and all three are still closed.' });
  assert.deepEqual(says('OCC', { cut: 'AB' }), { tone: 'neutral', text: 'Only Instance-A and Instance-B are cut off; of these Instance-A is open so far.' });
});

test('while the upstream is down, it is right that all are open and wrong that some still call it', () => {
  const upstream = 'down';
  assert.deepEqual(says('OOO', { upstream }), { tone: 'right', text: 'Right: the upstream is down, and all three are open.' });
  assert.deepEqual(says('OO', { upstream }), { tone: 'right', text: 'Right: the upstream is down, and both are open.' });
  assert.deepEqual(says('OCC', { upstream }), { tone: 'wrong', text: 'Wrong: the upstream is down, and Instance-B and Instance-C still send it calls.' });
  assert.deepEqual(says('OOC', { upstream }), { tone: 'wrong', text: 'Wrong: the upstream is down, and Instance-C still sends it calls.' });
  assert.equal(says('OOC', { upstream, cut: 'A' }).tone, 'wrong');
  assert.equal(says('CCC', { upstream }).tone, 'neutral');
  assert.equal(says('OHO', { upstream }).text, 'Right: the upstream is down, and all three are not closed.');
});

test('where all are cut off it is as if the upstream was down', () => {
  assert.deepEqual(says('OOO', { cut: 'ABC' }), { tone: 'right', text: 'Right: the network cuts off all three, and all three are open.' });
  assert.equal(says('OOC', { cut: 'ABC' }).tone, 'wrong');
});

test('while the upstream answers, closed is right, and open is not judged: it has to wait for its probe', () => {
  assert.deepEqual(says('CCC'), { tone: 'right', text: 'Right: the upstream answers, and all three are closed.' });
  assert.deepEqual(says('COC'), { tone: 'neutral', text: 'The upstream answers, and Instance-B is still open: until a probe succeeds.' });
  assert.equal(says('OOO').tone, 'neutral');
});

test('nothing is right or wrong where calls fail now and then, an override is in force, or too few answer', () => {
  for (const letters of ['CCC', 'OOO', 'OCC', 'HOC']) {
    for (const isShared of [false, true]) {
      assert.equal(says(letters, { upstream: 'partly', isShared }).tone, 'neutral');
      assert.equal(says(letters, { upstream: 'down', isShared, override: 'forced_open' }).tone, 'neutral');
    }
  }
  assert.equal(says('OOO', { override: 'forced_open' }).text, 'An override (forced open) is in force for all three: breakers decide nothing there.');
  assert.deepEqual(says('???'), { tone: 'neutral', text: 'No instance answers.' });
  assert.deepEqual(says('??O'), { tone: 'neutral', text: 'Only one instance answers.' });
  assert.deepEqual(says('O'), { tone: 'neutral', text: 'There is one instance.' });
});

test('every combination of three states, cuts and faults has a sentence, and a right one is never half true', () => {
  for (const letters of [...'CO'].flatMap((a) => [...'CO'].flatMap((b) => [...'CO'].map((c) => a + b + c)))) {
    for (const cut of ['', 'A', 'B', 'C', 'AB', 'AC', 'BC', 'ABC']) {
      for (const upstream of ['up', 'down']) {
        for (const isShared of [false, true]) {
          const { text, tone } = says(letters, { cut, upstream, isShared });
          const shouldBeOpen = (i) => upstream === 'down' || cut.includes('ABC'[i]);
          const fits = [...letters].every((letter, i) => (letter === 'O') === shouldBeOpen(i));
          assert.equal(tone === 'right', fits, `${letters} ${cut} ${upstream}: ${text}`);
          assert.match(text, /^[A-Z].*\.$/);
        }
      }
    }
  }
});

test('an upstream that fails every call is down, one that fails some or is slow works in part', () => {
  const fault = { failure_rate: 0, latency_ms: 0, hang_rate: 0, drop_rate: 0 };
  const of = (fields, answers = true) => upstreamState({ answers, fault: { ...fault, ...fields } });
  assert.equal(of({}), 'up');
  assert.equal(of({ failure_rate: 1 }), 'down');
  assert.equal(of({ hang_rate: 0.5, drop_rate: 0.5 }), 'down');
  assert.equal(of({ failure_rate: 0.6 }), 'partly');
  assert.equal(of({ latency_ms: 400 }), 'partly');
  assert.equal(of({}, false), 'down');
});
