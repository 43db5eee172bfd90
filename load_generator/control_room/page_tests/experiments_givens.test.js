// The pure parts of the experiments page: the givens in words, the bounds of a guess, and the results.
import assert from 'node:assert/strict';
import test from 'node:test';
import { commonGivens, ownGivens, planWords, playTime, timeWords } from '../../page/experiments/givens.js';
import { guessFault, niceAbove, rangeOf, unitOf } from '../../page/experiments/guess_range.js';
import { playedWords, resultOf, resultWords, usualMeasure, watchFrom } from '../../page/experiments/results.js';

const variant = (name, fields = {}) => ({ name, stage: name, run: `made-up-${name}`, measure: 'opened', breaker: {}, instance: {}, override: '', faults: [],
  expectations: [{ measure: 'opened', because: 'so', expected: 'exactly 1', at_least: 1, at_most: 1 }], played: null, ...fields });

const scenario = (variants, fields = {}) => ({ name: 'made-up', instances: 3, rate: 50, duration_ms: 4000, burst: 1, plan: 'down', call_timeout_ms: 1000, variants, ...fields });

test('an upstream’s plan is a sentence', () => {
  assert.equal(planWords('down'), 'upstream down');
  assert.equal(planWords('healthy 1s, down'), 'upstream healthy for 1 s, then down');
  assert.equal(planWords('slow 1500ms 400ms, flaky 0.6'), 'upstream answering after 1.5 s for 400 ms, then failing 60 % of calls');
  assert.equal(planWords('hang 0.3 5s, drop 0.2 5s'), 'upstream leaving 30 % of calls without an answer for 5 s, then dropping 20 % of connections for 5 s');
  assert.equal(planWords('explode 7'), 'upstream explode 7');
});

test('times are as short as they can be', () => {
  assert.deepEqual([50, 1000, 1500, 4250, 60000].map(timeWords), ['50 ms', '1 s', '1.5 s', '4.25 s', '60 s']);
});

test('what all designs have is said once, and what distinguishes one is said there', () => {
  const common = { failure_threshold: '3', recovery_timeout: '250ms' };
  const plain = variant('redis', { breaker: common });
  const growing = variant('redis-growing', { stage: 'redis', breaker: { ...common, recovery_timeout_multiplier: '2' } });
  const made = scenario([plain, growing]);
  assert.deepEqual(commonGivens(made), ['3 instances', '50 calls a second', 'upstream down', 'open after 3 failures in a row', 'stays open for 250 ms']);
  assert.deepEqual(ownGivens(made, plain), []);
  assert.deepEqual(ownGivens(made, growing), ['after a failed probe 2 times as long']);
});

test('a fault of Redis is common to the designs that have one', () => {
  const killed = { at_ms: 2000, redis: 'killed' };
  const made = scenario([variant('distributed'), variant('redis', { faults: [killed] })]);
  assert.equal(commonGivens(made).at(-1), 'at 2 s Redis killed');
  assert.deepEqual(ownGivens(made, made.variants[1]), []);
  const other = scenario([variant('redis', { faults: [killed] }), variant('redis-before', { stage: 'redis', faults: [{ ...killed, at_ms: 500 }] })]);
  assert.deepEqual(other.variants.map((each) => ownGivens(other, each)), [['at 2 s Redis killed'], ['at 500 ms Redis killed']]);
});

test('other faults, overrides, bursts and unusual deadlines are givens too', () => {
  const made = scenario([variant('distributed', { faults: [{ cut_off: 'Instance-B' }, { kill_prober_after_ms: 700 }], override: 'metrics_only' })],
    { burst: 10, spread: 'random', arrivals: 'poisson', call_timeout_ms: 3000, redis_timeout_ms: 50, instances: 1 });
  assert.deepEqual(commonGivens(made), ['1 instance', '50 calls a second, each to a random instance, 10 at once', 'calls come at random', 'upstream down',
    'Instance-B cannot reach the upstream', 'the first instance that probes after 700 ms is killed', 'breakers only observe',
    'a call may take 3 s', 'Redis may take 50 ms']);
});

test('settings come in the order in which one explains the next', () => {
  const made = scenario([variant('redis', { breaker: { failure_threshold: '3', probe_timeout: '3s', recovery_timeout: '1s', some_new_setting: '7' } })]);
  assert.deepEqual(commonGivens(made).slice(3), ['open after 3 failures in a row', 'stays open for 1 s', 'a probe may take 3 s', 'some new setting 7']);
});

test('a setting without words is shown by its name', () => {
  const made = scenario([variant('redis', { instance: { some_new_setting: '1500ms' } })]);
  assert.equal(commonGivens(made).at(-1), 'some new setting 1.5 s');
});

test('stage 1 takes no time to play', () => {
  const made = scenario([variant('simple'), variant('redis')]);
  assert.deepEqual(made.variants.map((each) => playTime(made, each)), [0, 4000]);
});

test('a guess has bounds that are round, and do not give the answer away', () => {
  const expecting = (measure, low, high) => variant('redis', { measure, expectations: [{ measure, at_least: low, at_most: high }] });
  assert.deepEqual(rangeOf(scenario([expecting('opened', 9, 9), expecting('failed_probes', 3, 3)]), 'opened'), { most: 25, step: 1, isWhole: true });
  assert.equal(rangeOf(scenario([expecting('opened', 50, 50)]), 'opened').most, 150);
  assert.equal(rangeOf(scenario([expecting('opened', 1, 1)]), 'opened').most, 3);
  assert.equal(rangeOf(scenario([expecting('late', 15, undefined)]), 'late').most, 40);
  assert.deepEqual(rangeOf(scenario([expecting('load_factor', 4, 4)]), 'load_factor'), { most: 10, step: 0.05, isWhole: false });
  const mixed = scenario([expecting('closed_again', 2, 2), expecting('longest_half_open_ms', 2900, 3600)]);
  assert.deepEqual(['closed_again', 'longest_half_open_ms'].map((measure) => rangeOf(mixed, measure).most), [5, 10000]);
  assert.equal(rangeOf(scenario([expecting('blocked', 0, 0)]), 'blocked').most, 200, 'any of the calls may');
});

test('round numbers are at least the figure, and whole where they have to be', () => {
  for (const figure of [0.3, 1, 2.5, 7.5, 22.5, 99, 101, 12345]) {
    assert.ok(niceAbove(figure, false) >= figure);
    assert.ok(niceAbove(figure, false) <= figure * 1.7);
    assert.ok(Number.isInteger(niceAbove(figure, true)), `${niceAbove(figure, true)}`);
  }
  assert.deepEqual(['longest_break_ms', 'load_factor', 'opened'].map(unitOf), ['ms', 'ratio', 'count']);
});

test('a guess outside its bounds is refused with the bounds', () => {
  const range = { most: 25, isWhole: true };
  for (const good of ['0', '25', ' 7 ']) assert.equal(guessFault(good, range), '');
  for (const bad of ['', ' ', '-1', '26', '2.5', 'many']) assert.equal(guessFault(bad, range), 'a whole number from 0 to 25');
  assert.equal(guessFault('2.5', { most: 10, isWhole: false }), '');
});

const madeUpRun = (fields = {}) => ({ measures: { opened: 1, blocked: 170 }, transitions: [{ at_ms_since_start: 1234.7 }, { at_ms_since_start: 2000 }],
  expectations: [{ measure: 'opened', expected: 'exactly 1', at_least: 1, at_most: 1, because: 'so', held: true },
    { measure: 'slowest_answer_ms', expected: 'at most 500', at_most: 500, because: 'so too', held: false }], ...fields });

test('a result is the run’s own, with the other expectations beside it', () => {
  const result = resultOf(variant('redis'), madeUpRun(), 3);
  assert.equal(result.run, 'made-up-redis');
  assert.deepEqual([result.guess, result.measured, result.low, result.high, result.held, result.watch], [3, 1, 1, 1, true, 1134]);
  assert.deepEqual(result.others, [{ measure: 'slowest_answer_ms', measured: null, expected: 'at most 500', low: null, high: 500, because: 'so too', held: false }]);
  assert.equal(resultWords(result), 'You guessed 3. Expected exactly 1, measured 1: held.');
  assert.equal(resultWords({ ...result, guess: null, measured: 2, held: false }), 'Expected exactly 1, measured 2: did not hold.');
  assert.equal(resultWords({ ...result, guess: null, measured: null, held: false }), 'Expected exactly 1, not measured: did not hold.');
});

test('the usual measure is that of most designs', () => {
  const measured = (...measures) => usualMeasure(scenario(measures.map((measure) => variant('redis', { measure }))));
  assert.equal(measured('upstream_failures', 'counted_failures', 'counted_failures'), 'counted_failures');
  assert.equal(measured('success', 'upstream_calls'), 'success');
});

test('a run is watched from just before its first change, if there is one', () => {
  assert.equal(watchFrom(madeUpRun({ transitions: [] })), null);
  assert.equal(watchFrom(madeUpRun({ transitions: [{ at_ms_since_start: 40 }] })), 0);
});

test('a card says whether its experiment was played, and what held', () => {
  const played = (...results) => playedWords(scenario(results.map((each) => variant('redis', { played: each }))));
  assert.deepEqual(played(null, null), { state: 'no', words: 'not played yet' });
  assert.deepEqual(played({ held: 2, expected: 2 }, null), { state: 'part', words: '2 of 2 expectations held; 1 of 2 designs played' });
  assert.deepEqual(played({ held: 2, expected: 2 }, { held: 1, expected: 1 }), { state: 'held', words: '3 of 3 expectations held' });
  assert.deepEqual(played({ held: 0, expected: 1 }), { state: 'not-held', words: '0 of 1 expectation held' });
});
