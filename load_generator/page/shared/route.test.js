import assert from 'node:assert/strict';
import test from 'node:test';
import { otherPage, parseRoute } from './route.js';

test('an address has a view, a name and a query, and leads to the page of its view', () => {
  const { view, name, query } = parseRoute('#/run/50%25%20failures?t=1500');
  assert.deepEqual([view, name, query.get('t')], ['run', '50% failures', '1500']);
  assert.equal(otherPage('#/run/outage', '/experiments'), 'lab#/run/outage');
  assert.equal(otherPage('#/run/outage', '/lab'), null);
  for (const other of ['', '#', '#top', '#/elsewhere']) assert.equal(parseRoute(other), null);
});

test('a % that encodes nothing is text, and does not keep a page from being shown', () => {
  for (const name of ['50%', '%', '%zz', '%ff']) assert.equal(parseRoute(`#/run/${name}`).name, name);
  assert.equal(parseRoute('#/race?n=%').query.get('n'), '%');
  assert.equal(otherPage('#/experiments/50%', '/'), 'experiments#/experiments/50%');
});
