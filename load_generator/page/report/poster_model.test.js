import assert from 'node:assert/strict';
import test from 'node:test';
import { figuresLike, posterOf, verdictWords } from './poster_model.js';
import { givensOf } from './run_givens.js';
import { gridFor, isCounted, perSquare, scaleWords, squaresOf, squaresPath } from './squares.js';

const settings = { instances: 10, rate: 50, plan: 'healthy 1s, down', failure_threshold: 5, recovery_timeout_ms: 60000 };
const expectation = (measure, figure, held = true) => ({ measure, expected: `exactly ${figure}`, at_least: figure, at_most: figure, because: `${measure} as counted`, held });

const run = (variant, measured, fields = {}) => ({ name: 'outage-10', variant, question: 'What does it cost?', shared_breaker: variant.startsWith('redis'),
  again: '', settings, measures: { counted_failures: measured, opened: 1 }, expectations: [expectation('counted_failures', measured), expectation('opened', 1)], ...fields });

test('a poster has the question, the givens in words, and for each design its first expectation', () => {
  const { question, chips, designs, per } = posterOf([run('distributed', 50), run('redis', 5)]);
  assert.equal(question, 'What does it cost?');
  assert.deepEqual(chips, ['10 instances', '50 calls a second', 'upstream healthy for 1 s, then down', 'open after 5 failures in a row', 'stays open for 60 s']);
  assert.deepEqual(designs.map(({ measure, measured, low, high, held, because, about }) => [measure, measured, low, high, held, because, about]), [
    ['counted_failures', 50, 50, 50, true, 'counted_failures as counted', 'a breaker in each instance'],
    ['counted_failures', 5, 5, 5, true, 'counted_failures as counted', 'one breaker in Redis, shared by all instances']]);
  assert.equal(per, 1);
});

test('what distinguishes a design from the others stands with it', () => {
  const { common, own } = givensOf([run('redis', 5), run('redis-quorum', 5, { settings: { ...settings, minimum_reporting_instances: 2, rate: 60 } })]);
  assert.deepEqual(common, ['10 instances', 'upstream healthy for 1 s, then down', 'open after 5 failures in a row', 'stays open for 60 s']);
  assert.deepEqual(own, [['50 calls a second'], ['60 calls a second', 'failures must come from 2 instances']]);
});

test('what was done to the processes and to the breakers is a given, too', () => {
  const killed = { faults: [{ at_ms: 4000, redis: 'killed' }] };
  const { common, own } = givensOf([run('distributed', 50, { faults: [] }), run('redis', 5, killed), run('redis-cut', 5, { faults: [{ cut_off: 'Instance-B' }] })]);
  assert.deepEqual(own, [[], ['at 4 s Redis killed'], ['Instance-B cannot reach the upstream']]);
  assert.ok(!common.some((words) => words.includes('Redis')));
  assert.ok(givensOf([run('redis', 5, killed)]).common.includes('at 4 s Redis killed'));
  assert.ok(givensOf([run('redis', 5, { settings: { ...settings, override: 'metrics_only' } })]).common.includes('breakers only observe'));
});

test('a run of an older version has no settings, and its poster says so', () => {
  const old = { settings: undefined };
  const { chips, played } = posterOf([run('distributed', 50, old), run('redis', 5, old)]);
  assert.deepEqual([chips, played], [['settings not recorded'], 'version and date not recorded']);
  assert.deepEqual(givensOf([run('distributed', 50, old), run('redis', 5)]).own, [['settings not recorded'], []]);
});

test('a run without expectations shows the measure of the others, and nothing that could fail', () => {
  const bare = run('distributed', 7, { expectations: [] });
  const [design] = posterOf([bare, run('redis', 5)]).designs;
  assert.deepEqual([design.measure, design.measured, design.held, design.low], ['counted_failures', 7, null, null]);
  assert.equal(posterOf([bare]).designs[0].measure, 'upstream_failures');
  assert.equal(posterOf([bare]).designs[0].measured, null);
  assert.match(posterOf([bare]).verdict, /^Nothing was predicted/);
});

const verdict = (...runs) => verdictWords(posterOf(runs).designs, runs);

test('the verdict says what did not hold, and how many expectations of all did', () => {
  assert.equal(verdict(run('distributed', 50), run('redis', 5)), 'Held: measured as predicted in both designs. Of all 4 expectations of these runs, each held.');
  const wrong = run('redis', 17, { expectations: [expectation('counted_failures', 5, false), expectation('opened', 1)] });
  assert.equal(verdict(run('distributed', 50), wrong), 'Not held: redis was expected to have exactly 5 counted failures, and had 17. Of all 4 expectations of these runs, 3 held.');
  const gone = run('redis', 5, { measures: {}, expectations: [expectation('counted_failures', 5, false)] });
  assert.equal(verdict(gone), 'Not held: redis was expected to have exactly 5 counted failures, and had no such measure.');
});

test('when and how runs were played', () => {
  const real = { at: '2026-11-27T00:00:00Z', world: 'real', version: '0.1.0' };
  const played = (...each) => posterOf(each.map((one) => run('redis', 5, { played: one }))).played;
  assert.equal(played(real, { ...real, at: '2026-11-26T00:00:00Z' }), 'version 0.1.0, played 2026-11-26, 2026-11-27 in real time');
  assert.equal(played({ world: 'simulated', version: '0.1.0' }), 'version 0.1.0, played in virtual time');
  assert.equal(played(real, { world: 'simulated', version: '0.1.0' }), 'version 0.1.0, played 2026-11-27 some in virtual time');
});

test('a square is one call up to 300 of them, then ten, then a hundred', () => {
  assert.deepEqual([[5, 50], [300], [301], [3000], [3001], []].map(perSquare), [1, 1, 10, 10, 100, 1]);
  assert.equal(scaleWords(['counted_failures', 'upstream_failures'], 1), 'One square is 1 call.');
  assert.equal(scaleWords(['counted_failures', 'opened', 'longest_break_ms'], 10), 'One square is 10 calls or 10 openings.');
  assert.equal(scaleWords(['longest_break_ms'], 1), '');
});

test('a figure that is no multiple ends in a part of a square', () => {
  assert.deepEqual(squaresOf(425, 10), { whole: 42, part: 0.5 });
  const grid = gridFor([425], 10);
  assert.equal(squaresPath(425, 10, grid).match(/M/g).length, 43);
  assert.ok(squaresPath(425, 10, grid).endsWith('h8v16h-8z'), 'half as wide');
});

test('figures that are no numbers, negative or huge, have no squares or few', () => {
  for (const figure of [null, undefined, NaN, -5, 0]) assert.equal(squaresPath(figure, 1, gridFor([5], 1)), '');
  const per = perSquare([1e18, -1e18]);
  assert.ok(squaresPath(1e18, per, gridFor([1e18], per)).length < 10000);
});

test('all designs have squares of one size, in as many rows as each needs', () => {
  const grid = gridFor([5, 50], 1);
  assert.deepEqual([grid.columns, grid.rows(5), grid.rows(50), grid.rows(0)], [10, 1, 5, 1]);
  assert.equal(gridFor([5, 250], 1).columns, 20);
});

test('only figures of one unit share a scale', () => {
  const designs = [['opened', 1], ['longest_break_ms', 2000], ['probes', 3]].map(([measure, measured]) => ({ measure, measured, low: null, high: null }));
  assert.deepEqual(figuresLike(designs, 'opened'), [null, null, 1, null, null, 3]);
  assert.deepEqual(designs.map(({ measure }) => isCounted(measure)), [true, false, true]);
});
