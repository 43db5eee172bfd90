// An experiment while it is played: what comes next after each of the server's updates.
import assert from 'node:assert/strict';
import test from 'node:test';
import { Playing, requestsFor } from '../../page/experiments/playing.js';
import { runAddress, runInAddress } from '../../page/shared/open_run.js';

const scenario = { name: 'outage', duration_ms: 4000, variants: [
  { name: 'simple', stage: 'simple', run: 'outage-simple' },
  { name: 'distributed', stage: 'distributed', run: 'outage-distributed' },
  { name: 'redis', stage: 'redis', run: 'outage-redis' }] };

const update = (number, variant, phase, fields = {}) =>
  ({ number, name: 'outage', variant, phase, elapsed_ms: 0, duration_ms: 4000, run: phase === 'over' ? `outage-${variant}` : '', error: '', ...fields });

const started = () => {
  const playing = new Playing(scenario);
  playing.started(7);
  return playing;
};

test('designs are played one after the other, and the time is that of all', () => {
  const playing = started();
  assert.deepEqual(requestsFor(scenario).map(({ variant }) => variant), ['simple', 'distributed', 'redis']);
  assert.deepEqual(playing.progress(), { variant: 'simple', phase: 'starting', elapsed: 0, total: 8000, finished: [] });
  assert.equal(playing.apply(update(7, 'simple', 'over')), 'next');
  assert.deepEqual(playing.request, { name: 'outage', variant: 'distributed' });
  playing.started(8);
  assert.equal(playing.apply(update(8, 'distributed', 'running', { elapsed_ms: 1500 })), '');
  assert.deepEqual(playing.progress(), { variant: 'distributed', phase: 'running', elapsed: 1500, total: 8000, finished: ['outage-simple'] });
  assert.equal(playing.apply(update(8, 'distributed', 'over')), 'next');
  assert.equal(playing.progress().elapsed, 4000);
  playing.started(9);
  assert.equal(playing.apply(update(9, 'redis', 'over')), 'over');
  assert.deepEqual(playing.finished, ['outage-simple', 'outage-distributed', 'outage-redis']);
  assert.equal(playing.progress().elapsed, 8000);
});

test('a server that plays all designs itself says which are finished', () => {
  const playing = started();
  playing.requests = [{ name: 'outage', variant: 'all' }];
  assert.equal(playing.apply(update(7, 'redis', 'running', { elapsed_ms: 100, finished: ['outage-simple', 'outage-distributed'] })), '');
  assert.deepEqual(playing.progress(), { variant: 'redis', phase: 'running', elapsed: 4100, total: 8000, finished: ['outage-simple', 'outage-distributed'] });
  assert.equal(playing.apply(update(7, 'redis', 'over', { finished: ['outage-simple', 'outage-distributed', 'outage-redis'] })), 'over');
  assert.equal(playing.finished.length, 3);
});

test('a design that fails ends the play with its error', () => {
  const playing = started();
  assert.equal(playing.apply(update(7, 'simple', 'failed', { error: 'a program is missing' })), 'failed');
  assert.equal(playing.error, 'a program is missing');
});

test('after Stop no other design is started, though the last one had ended already', () => {
  const playing = started();
  playing.isStopping = true;
  assert.equal(playing.apply(update(7, 'simple', 'over')), 'failed');
  assert.match(playing.error, /stopped/);
});

test('updates from before the request are ignored, and an end that was missed is noticed', () => {
  const playing = started();
  for (const shown of [null, update(6, 'redis', 'over')]) assert.equal(playing.apply(shown), '');
  assert.equal(playing.apply(update(7, 'simple', 'running')), '');
  const answers = Array.from({ length: 12 }, () => playing.apply(update(8, 'redis', 'running')));
  assert.deepEqual(answers, [...Array(11).fill(''), 'failed']);
  assert.match(playing.error, /missed the end/);
});

test('a page that was loaded again goes on where it was', () => {
  const playing = started();
  playing.apply(update(7, 'simple', 'over'));
  playing.started(8);
  const stored = JSON.parse(JSON.stringify(playing.toStore()));
  assert.ok(Playing.isStored(stored));
  const again = new Playing(scenario).resume(stored);
  assert.equal(again.apply(update(8, 'distributed', 'over')), 'next');
  assert.deepEqual(again.request, { name: 'outage', variant: 'redis' });
  assert.deepEqual(again.finished, ['outage-simple', 'outage-distributed']);
  for (const wrong of [null, {}, { name: 'outage' }, 'outage']) assert.ok(!Playing.isStored(wrong));
});

test('a run’s address has its name and a moment, and leads back to them', () => {
  assert.equal(runAddress('outage-10-redis', 1234), 'lab#/run/outage-10-redis?t=1234');
  assert.deepEqual(runInAddress('#/run/outage-10-redis?t=1234'), { name: 'outage-10-redis', time: 1234 });
  assert.ok(Number.isNaN(runInAddress('#/run/outage').time));
  for (const other of ['', '#/run', '#/lab', '#/race?n=10']) assert.equal(runInAddress(other), null);
});
