import assert from 'node:assert/strict';
import test from 'node:test';
import { notRecorded, playedRows, settingRows } from './appendix_model.js';
import { groupsOf, latenciesOf, rowOf } from './measure_groups.js';

const run = (measures, expectations = [], fields = {}) => ({ variant: 'redis', measures, expectations, ...fields });

test('measures are in groups, and those that are 0 everywhere are left out unless expected', () => {
  const runs = [run({ upstream_calls: 5, opened: 1, late: 0, wasted: 0, redis_scripts: 3, probes: 0, my_own: 2 }, [{ measure: 'wasted', at_most: 0, expected: 'exactly 0', held: true }]),
    run({ upstream_calls: 0, p99_success_ms: 4 })];
  assert.deepEqual(groupsOf(runs).map(({ title, rows }) => [title, rows.map(({ measure }) => measure)]), [
    ['Calls', ['upstream_calls', 'wasted']], ['Breaker', ['opened']], ['Latency', ['p99_success_ms']], ['Store', ['redis_scripts']], ['Other measures', ['my_own']]]);
});

test('an expected measure that no run has is shown', () => {
  const [{ rows: [{ cells: [cell] }] }] = groupsOf([run({}, [{ measure: 'opened', at_least: 1, expected: 'at least 1', held: false }])]);
  assert.deepEqual([cell.measured, cell.length, cell.expectation.held], [null, 0, false]);
});

test('the bars of a measure have one scale, in which the expected band is, too', () => {
  const runs = [run({ opened: 10 }, [{ measure: 'opened', at_least: 5, at_most: 20 }]), run({ opened: 5 }, [{ measure: 'opened', at_least: 5 }]), run({ opened: 20 })];
  assert.deepEqual(rowOf(runs, 'opened').cells.map(({ length, band }) => [length, band]), [[50, { from: 25, to: 100 }], [25, { from: 25, to: 100 }], [100, undefined]]);
});

test('bars of odd figures stay within their place', () => {
  for (const figure of [-5, 0, null, 1e18]) {
    const [{ length }] = rowOf([run({ opened: figure }), run({ opened: 0 })], 'opened').cells;
    assert.ok(length >= 0 && length <= 100, `${figure}: ${length}`);
  }
});

test('latencies are by outcome, where a run has them', () => {
  const figures = { p50: 1, p90: 2, p99: 3, max: 4 };
  assert.deepEqual(latenciesOf([run({}, [], { latency_ms: { success: figures } }), run({})]), [{ outcome: 'answered', cells: [figures, null] }]);
});

test('settings stand side by side; what was not set was the default, and older runs have none', () => {
  const runs = [run({}, [], { settings: { rate: 50, recovery_timeout_ms: 1000 } }), run({}, [], { settings: { rate: 50 } }), run({})];
  assert.deepEqual(settingRows(runs), [{ name: 'rate', cells: ['50', '50', notRecorded] }, { name: 'recovery_timeout_ms', cells: ['1000', 'default', notRecorded] }]);
  assert.deepEqual(settingRows([run({})]), []);
});

test('how a run was played: in words, or that it is not recorded', () => {
  const played = { at: '2026-11-27T01:02:03Z', world: 'real', version: '0.1.0', machine: '2 cores', command: 'load_generator scenario outage --stage redis' };
  assert.deepEqual(playedRows({ played }).map(([, text]) => text), ['2026-11-27 01:02:03 UTC', 'real programs, in real time', '0.1.0', '2 cores', played.command]);
  assert.deepEqual(playedRows({ played: { world: 'simulated', version: '0.1.0' } }).map(([, text]) => text), [notRecorded, 'in virtual time', '0.1.0', notRecorded, notRecorded]);
  assert.ok(playedRows({}).every(([, text]) => text === notRecorded));
});
