import assert from 'node:assert/strict';
import test from 'node:test';
import { dotPlace, layout } from '../../page/race/geometry.js';
import { allOpenAt, approach, changesOf, dotsAt, instancesThatSaw, makeScene, passedBy, sceneAt } from '../../page/race/scene.js';
import { madeUpRace } from './made_up_race.js';

const scenesOf = (options) => {
  const { givens, runs } = madeUpRace(options);
  return { givens, runs, scenes: runs.map((run) => makeScene(run, givens.failure_threshold)) };
};

test('before the fault nothing has hit the upstream, and all switches are closed', () => {
  const { scenes } = scenesOf();
  for (const scene of scenes) {
    const { hitCount, openCount, states, pips } = sceneAt(scene, 999);
    assert.equal(hitCount, 0);
    assert.equal(openCount, 0);
    assert.deepEqual(new Set(states), new Set(['closed']));
    assert.ok(pips.every((full) => full === 0));
  }
});

for (const instances of [2, 3, 10, 26]) {
  for (const threshold of [1, 3, 5, 20]) {
    test(`at the end ${instances} breakers of threshold ${threshold} have cost n x threshold calls, one shared breaker threshold`, () => {
      const { givens, scenes } = scenesOf({ instances, threshold });
      const [left, right] = scenes.map((scene) => sceneAt(scene, givens.length_ms));
      assert.equal(left.hitCount, instances * threshold);
      assert.equal(right.hitCount, threshold);
      assert.deepEqual(left.hits, Array(instances).fill(threshold));
      assert.equal(left.openCount, instances);
      assert.equal(right.openCount, instances);
      assert.deepEqual(left.pips, Array(instances).fill(threshold));
      assert.equal(right.pips[0], threshold);
    });
  }
}

test('at any moment each figure counts the calls that were answered until then', () => {
  const { givens, runs, scenes } = scenesOf();
  for (let i = 0; i < 200; i += 1) {
    const time = (givens.length_ms * i) / 199;
    scenes.forEach((scene, side) => {
      const over = runs[side].calls.filter((call) => call.at_ms_since_start + call.took_ms <= time);
      const of = (status) => over.filter((call) => call.status === status).length;
      const { hitCount, blocked, answered } = sceneAt(scene, time);
      assert.deepEqual([hitCount, blocked, answered], [of('failure'), of('blocked'), of('success')], `at ${time}`);
    });
  }
});

test('at two moments by which as many events are over, the picture is the same', () => {
  const { givens, scenes } = scenesOf();
  for (const scene of scenes) {
    const pictures = new Map();
    for (let time = 0; time < givens.length_ms; time += 3) {
      const passed = passedBy(scene, time);
      if (!pictures.has(passed)) pictures.set(passed, sceneAt(scene, time));
      assert.deepEqual(sceneAt(scene, time), pictures.get(passed), `at ${time}`);
    }
    assert.ok(pictures.size > 50);
  }
});

test('every dot flies where the canvas is, whatever the size of the picture', () => {
  for (const [width, instances, threshold] of [[280, 2, 1], [439, 26, 20], [578, 10, 5], [1200, 3, 20]]) {
    const { givens, scenes: [scene] } = scenesOf({ instances, threshold, rate: 200 });
    const place = layout(width, instances, threshold);
    const { left, top, width: wide, height } = place.flight;
    for (let time = 0; time < givens.length_ms; time += 20) {
      for (const dot of dotsAt(scene, time)) {
        const { x, y } = dotPlace(place, dot);
        assert.ok(x - 5 >= left && x + 5 <= left + wide && y - 5 >= top && y + 9 <= top + height, `${x}, ${y} in ${JSON.stringify(place.flight)}`);
      }
    }
  }
});

test('of a run whose file lists some of its calls, those are drawn, and no count is made up where it has none', () => {
  const { givens, runs: [{ calls, ...run }] } = scenesOf();
  const [from, to] = [800, 1800];
  const isListed = ({ at_ms_since_start: at }) => at >= from && at <= to;
  const earlier = calls.filter(({ at_ms_since_start: at }) => at < from).length;
  const some = { from_ms: from, to_ms: to, earlier: { success: earlier, blocked: 0 }, calls: calls.filter(isListed) };
  const [whole, part] = [{ ...run, calls }, { ...run, some_calls: some }].map((each) => makeScene(each, givens.failure_threshold));
  for (const time of [810, 1000, 1234, 1800]) assert.deepEqual(sceneAt(part, time), sceneAt(whole, time), `at ${time}`);
  for (const time of [0, 799, 1801, givens.length_ms]) assert.deepEqual([sceneAt(part, time).answered, sceneAt(part, time).blocked], [null, null]);
  assert.notEqual(passedBy(part, 799), passedBy(part, 800));
  assert.ok(dotsAt(part, 1000).length > 0);
  assert.equal(sceneAt(makeScene(run, 5), 1000).answered, 0); // an older file
});

test('a late result fills no pip, and a success empties the pips of its breaker', () => {
  const call = (at, status, more = {}) => ({ at_ms_since_start: at, took_ms: 1, instance: 'Instance-A', status, upstream_calls: 1, ...more });
  const run = { instances: ['Instance-A', 'Instance-B'], shared_breaker: false, transitions: [],
    calls: [call(0, 'failure'), call(10, 'failure'), call(20, 'failure', { late: true }), call(30, 'success')] };
  const scene = makeScene(run, 3);
  assert.deepEqual([15, 25, 35].map((time) => sceneAt(scene, time).pips[0]), [2, 2, 0]);
});

test('a call without an answer counts as one that hit the dead upstream, one that was never sent does not', () => {
  const run = { instances: ['Instance-A'], shared_breaker: false, transitions: [], calls: [
    { at_ms_since_start: 0, took_ms: 1000, instance: 'Instance-A', status: 'exception', upstream_calls: 1 },
    { at_ms_since_start: 5, took_ms: 1, instance: 'Instance-A', status: 'unreachable', upstream_calls: 0 }] };
  assert.equal(sceneAt(makeScene(run, 3), 999).hitCount, 0);
  assert.equal(sceneAt(makeScene(run, 3), 1000).hitCount, 1);
});

test('a dot reaches its switch when its call is due, and none flies before or after its call', () => {
  const { scenes: [scene] } = scenesOf({ instances: 2, rate: 2 });
  const call = scene.calls[2]; // at 1000 ms
  const dotsOfIt = (time) => dotsAt(scene, time).filter(({ instance }) => instance === call.instance);
  assert.equal(dotsOfIt(call.at - approach - 1).length, 0);
  assert.equal(dotsOfIt(call.at - 1)[0].leg, 'in');
  assert.ok(dotsOfIt(call.at - 1)[0].progress > 0.99);
  assert.equal(dotsOfIt(call.at)[0].leg, 'through');
  assert.equal(dotsOfIt(call.end + 20)[0].leg, 'back');
  assert.equal(dotsOfIt(call.end + 20 + approach).length, 0);
});

test('a call is turned away at an open switch, and only there', () => {
  const { givens, scenes } = scenesOf();
  for (let time = 0; time < givens.length_ms; time += 7) {
    for (const scene of scenes) {
      const early = sceneAt(scene, time - 201).openCount;
      if (early === 0 && sceneAt(scene, time).openCount === 0) assert.ok(dotsAt(scene, time).every(({ leg }) => leg !== 'bounce'));
    }
  }
  assert.ok(dotsAt(scenes[1], 1500).some(({ leg }) => leg === 'bounce'));
});

test('changes are the fault and each transition, in order', () => {
  const { scenes } = scenesOf({ instances: 3, threshold: 2 });
  const changes = changesOf(scenes, 1000);
  assert.equal(changes[0], 1000);
  assert.deepEqual(changes, [...changes].sort((a, b) => a - b));
});

test('a shared breaker was opened by failures that several instances saw', () => {
  const { givens, scenes: [, right] } = scenesOf();
  assert.equal(instancesThatSaw(right, allOpenAt(right, givens.length_ms)), 5);
});

for (const later of [-3, 0, 3]) {
  test(`a switch opens together with the failure that opened it, dated ${later} ms apart`, () => {
    const call = (at) => ({ at_ms_since_start: at, took_ms: 2, instance: 'Instance-A', status: 'failure', upstream_calls: 1 });
    const run = { instances: ['Instance-A', 'Instance-B'], shared_breaker: false, calls: [call(0), call(100)],
      transitions: [{ at_ms_since_start: 102 + later, instance: 'Instance-A', from: 'closed', to: 'open', cause: '2 consecutive failures' }] };
    const scene = makeScene(run, 2);
    for (let time = 90; time < 120; time += 0.5) {
      const { states, pips, hitCount } = sceneAt(scene, time);
      assert.deepEqual([pips[0], hitCount], states[0] === 'open' ? [2, 2] : [1, 1], `at ${time}`);
    }
  });
}
