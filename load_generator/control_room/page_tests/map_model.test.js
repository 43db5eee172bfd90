import assert from 'node:assert/strict';
import test from 'node:test';
import { conditionOf, mapOf, SinceFault } from '../../page/map/model.js';

const healthy = { failure_rate: 0, latency_ms: 0, hang_rate: 0, drop_rate: 0 };
const total = (received, success) => ({ received, success, failure: received - success, hang: 0, drop: 0 });

const frame = (more = {}) => ({
  fleet: 1, now_ms: 1000, load: { rate: 10 }, calls: { success: 8, failure: 1, exception: 0, blocked: 1 },
  upstream: { answers: true, fault: healthy, asked_ms: 990, ledger: { total: total(9, 8) } },
  instances: ['A', 'B'].map((letter) => ({ name: `Instance-${letter}`, answers: true, state: 'closed', failures: 0, override: '', network_broken: false, store: 'memory' })),
  ...more,
});

test('the upstream has the name of the button that describes its fault', () => {
  const name = (fault, answers = true) => conditionOf({ answers, fault: { ...healthy, ...fault } });
  assert.deepEqual([name({}), name({ failure_rate: 0.6 }), name({ latency_ms: 400 }), name({ failure_rate: 1 })],
    ['healthy', 'flaky', 'slow', 'down']);
  assert.deepEqual([name({ hang_rate: 0.1 }), name({ failure_rate: 0.3 }), name({ failure_rate: 1, latency_ms: 400 }), name({}, false)],
    ['other', 'other', 'other', 'away']);
});

test('an instance that does not answer has no known state, and one that is cut off says so', () => {
  const made = frame();
  Object.assign(made.instances[0], { answers: false, state: 'open', failures: 2, override: 'forced_open', store: 'local' });
  made.instances[1].network_broken = true;
  const { instances } = mapOf(made);
  assert.deepEqual(instances.map(({ letter, state, isCut, process }) => [letter, state, isCut, process]),
    [['A', 'unknown', false, 'unknown'], ['B', 'closed', true, 'running']]);
  assert.deepEqual([instances[0].failures, instances[0].override, instances[0].isLocal], [0, '', false], 'nor of anything else');
});

test('Redis is on the map only where instances use it, or would if it were there', () => {
  assert.equal(mapOf(frame()).redis, null);
  const shared = frame();
  shared.instances.forEach((instance) => { instance.store = 'redis'; });
  assert.deepEqual(mapOf(shared).redis, { process: 'unknown', away: 0, isShared: true });
  shared.instances.forEach((instance) => { instance.store = 'local'; });
  assert.deepEqual(mapOf({ ...shared, redis: { process: 'killed' } }).redis, { process: 'killed', away: 2, isShared: false });
});

const later = (counts, more = {}) => frame({ now_ms: 3000, calls: counts, upstream: { answers: true, fault: healthy, asked_ms: 3000, ledger: { total: total(30, 20) } }, ...more });

test('counters say what has happened since the last fault', () => {
  const counter = new SinceFault();
  assert.deepEqual(counter.show(frame()), { success: 0, failure: 0, exception: 0, blocked: 0, failed_upstream: 0, elapsed: 0 });
  const calls = { success: 20, failure: 10, exception: 1, blocked: 5 };
  assert.deepEqual(counter.show(later(calls)), { success: 12, failure: 9, exception: 1, blocked: 4, failed_upstream: 9, elapsed: 2000 });
  const fault = later({ ...calls, failure: 11 }, { now_ms: 3250 });
  fault.upstream = { answers: true, fault: { ...healthy, failure_rate: 1 }, asked_ms: 3200, ledger: { total: total(31, 20) } };
  assert.deepEqual(counter.show(fault), { success: 0, failure: 1, exception: 0, blocked: 0, failed_upstream: 1, elapsed: 250 },
    'the call that the new fault has failed is counted');
});

test('a call that failed before the page knew of the fault is counted, however long the upstream takes to answer', () => {
  const counter = new SinceFault();
  const at = (now, asked, failure, fault = healthy) => counter.show(frame({
    now_ms: now, calls: { success: 8, failure, exception: 0, blocked: 0 },
    upstream: { answers: true, fault, asked_ms: asked, ledger: { total: total(8 + failure, 8) } },
  }));
  at(1000, 950, 0);
  at(1250, 1200, 1); // the last that the upstream, healthy when it was asked, has failed
  at(1500, 1450, 2);
  at(1750, 1450, 5); // it was asked again, and has not yet answered
  at(2000, 1450, 9);
  const down = { ...healthy, failure_rate: 1 };
  assert.deepEqual(at(2250, 2050, 9, down), { success: 0, failure: 8, exception: 0, blocked: 0, failed_upstream: 8, elapsed: 1000 });
  assert.equal(at(2500, 2450, 9, down).failure, 8);
});

test('after a gap in the frames a new fault counts from the present frame, and an old one as before', () => {
  const counter = new SinceFault();
  const at = (now, failure, fault) => counter.show(frame({
    now_ms: now, calls: { success: 8, failure, exception: 0, blocked: 0 },
    upstream: { answers: true, fault: { ...healthy, ...fault }, asked_ms: now - 50, ledger: { total: total(8 + failure, 8) } },
  }));
  const down = { failure_rate: 1 };
  const hour = 3_600_000;
  at(1000, 0, healthy);
  at(1250, 0, healthy);
  assert.deepEqual(at(hour, 500, down), { success: 0, failure: 0, exception: 0, blocked: 0, failed_upstream: 0, elapsed: 0 });
  assert.equal(at(hour + 250, 510, down).failure, 10);
  const { failure, elapsed } = at(2 * hour, 900, down);
  assert.deepEqual([failure, elapsed], [400, hour]);
  assert.equal(at(2 * hour + 250, 907, { failure_rate: 0.6 }).elapsed, 250, 'not since the frame before the gap');
  assert.equal(at(2 * hour + 3250, 1000, { latency_ms: 400 }).elapsed, 3250, 'a late frame is not a gap');
});

test('Reset starts the counters again, and a change of state does not', () => {
  const counter = new SinceFault();
  counter.show(frame());
  const changed = later({ success: 20, failure: 10, exception: 1, blocked: 5 });
  changed.instances[0].state = 'open';
  assert.equal(counter.show(changed).success, 12);
  counter.reset();
  assert.equal(counter.counts().success, 0);
  assert.equal(counter.show(changed).success, 0);
});

test('a count below the earlier one is that of a program that was restarted', () => {
  const counter = new SinceFault();
  counter.show(later({ success: 20, failure: 10, exception: 1, blocked: 5 }));
  assert.equal(counter.show(later({ success: 3, failure: 0, exception: 0, blocked: 0 })).success, 3);
});
