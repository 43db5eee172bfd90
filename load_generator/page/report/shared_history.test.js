import assert from 'node:assert/strict';
import test from 'node:test';
import { lanesOfShared, reporterTicks, shortName } from './shared_history.js';

const point = (at, state, store) => ({ at_ms_since_start: at, since: at, state, ...(store ? { store } : {}) });
const change = (at, to, cause = 'so') => ({ at_ms_since_start: at, from: 'closed', to, cause });
const history = (states, fields = {}) => ({ states, transitions: [], marks: [], version: 0, end: 4000, ...fields });
const lanesFor = (histories) => lanesOfShared({ length_ms: 4000 }, new Map(Object.entries(histories)));
const statesOf = (lane) => lane.states.map(({ at_ms_since_start: at, state }) => [at, state]);

test('instances on one breaker have one lane, with who reported each change', () => {
  const states = [point(0, 'closed'), point(1000, 'open')];
  const lanes = lanesFor({ 'Instance-A': history(states, { marks: [{ at_ms_since_start: 900 }] }),
    'Instance-B': history(states, { transitions: [change(1000, 'open', '5 failures')], marks: [{ at_ms_since_start: 800 }] }) });
  assert.deepEqual([...lanes.keys()], ['shared breaker']);
  const shared = lanes.get('shared breaker');
  assert.deepEqual(statesOf(shared), [[0, 'closed'], [1000, 'open']]);
  assert.deepEqual(shared.transitions.map(({ reporter, cause }) => [reporter, cause]), [['B', '5 failures (reported by Instance-B)']]);
  assert.deepEqual(shared.marks.map(({ at_ms_since_start: at }) => at), [800, 900]);
});

test('a half-open period of no length is not lost', () => {
  const states = [point(0, 'open'), point(1000, 'half_open'), point(1000, 'open')];
  assert.deepEqual(statesOf(lanesFor({ A: history(states), B: history(states) }).get('shared breaker')), [[0, 'open'], [1000, 'half_open'], [1000, 'open']]);
});

test('an instance on its local breaker has its own lane with its marks, and its local changes are not the shared breaker’s', () => {
  const shared = [point(0, 'closed'), point(1000, 'open')];
  const lanes = lanesFor({ A: history(shared), B: history(shared),
    C: history([...shared, point(2000, 'open', 'local'), point(2500, 'closed', 'local')], { transitions: [change(2500, 'closed', 'local: probe succeeded'), change(3000, 'open')], marks: [{ at_ms_since_start: 2500 }] }) });
  assert.deepEqual([...lanes.keys()], ['shared breaker', 'C']);
  assert.deepEqual(statesOf(lanes.get('shared breaker')), [[0, 'closed'], [1000, 'open']]);
  assert.deepEqual(lanes.get('shared breaker').transitions.map(({ at_ms_since_start: at }) => at), [3000]);
  assert.deepEqual([lanes.get('shared breaker').marks.length, lanes.get('C').marks.length, lanes.get('C').transitions.length], [0, 1, 2]);
});

test('an instance that is dead, or stays in another state, has its own lane; one with a lagging poll has none', () => {
  const shared = [point(0, 'closed'), point(1000, 'open')];
  const lanes = lanesFor({ A: history(shared), B: history(shared), C: history(shared), dead: history([...shared, point(2000, 'unknown')]),
    stuck: history([point(0, 'closed'), point(1000, 'half_open')]), lagging: history([point(0, 'closed'), point(1150, 'open')]) });
  assert.deepEqual([...lanes.keys()], ['shared breaker', 'dead', 'stuck']);
});

test('while no instance uses the shared breaker, its state is not known', () => {
  const states = [point(0, 'closed'), point(1000, 'closed', 'local'), point(2000, 'closed')];
  const lanes = lanesFor({ A: history(states), B: history(states) });
  assert.deepEqual(statesOf(lanes.get('shared breaker')), [[0, 'closed'], [1000, 'unknown'], [2000, 'closed']]);
  assert.equal(lanes.size, 3);
});

test('no instance’s lane is lost because of its name', () => {
  const lanes = lanesFor({ 'shared breaker': history([point(0, 'closed', 'local')]), B: history([point(0, 'closed')]) });
  assert.deepEqual([...lanes.keys()], ['shared breaker ', 'shared breaker']);
});

test('an instance is its letter, or its place in the list', () => {
  assert.deepEqual([shortName('Instance-C', 2), shortName('http://127.0.0.1:8001', 0), shortName('Instance-long-name', 9)], ['C', '#1', '#10']);
});

test('there is a tick for each change, and no letter covers another', () => {
  const transitions = [[100, 'A'], [101, 'B'], [112, '#10'], [200, 'C']].map(([at, reporter]) => ({ at_ms_since_start: at, reporter }));
  const ticks = reporterTicks(transitions, (time) => time);
  assert.deepEqual(ticks.map(({ x }) => x), [100, 101, 112, 200]);
  assert.deepEqual(ticks.map(({ text }) => text), ['A', '', '', 'C']);
  assert.deepEqual(reporterTicks(transitions, (time) => time * 3).map(({ text }) => text), ['A', '', '#10', 'C']);
});
