// The player of experiments, with a server that accepts each request, and updates that are made up.
import assert from 'node:assert/strict';
import test from 'node:test';
import { Player } from '../../page/experiments/player.js';

const scenario = (name, ...variants) => ({ name, variants: variants.map((variant) => ({ name: variant, run: `${name}-${variant}` })) });

const requested = [];
Object.assign(globalThis, {
  document: { querySelectorAll: () => [{ content: 'token' }] },
  EventSource: class { close() {} },
  fetch: async (path, { body }) => {
    requested.push(JSON.parse(body));
    return { status: 200, json: async () => ({ done: 'it is played', number: requested.length }) };
  },
});

test('while an experiment is played another one is refused, and the first goes on to its end', async () => {
  let ended = null;
  const player = new Player(() => {}, (playing) => { ended = playing; });
  const other = scenario('recovery', 'distributed');
  await player.start(scenario('outage', 'distributed', 'redis'));
  assert.deepEqual(await player.start(other), { error: 'outage is being played; wait for its end, or stop it' });
  await player.apply({ number: 1, phase: 'over', run: 'outage-distributed' });
  await player.apply({ number: 2, phase: 'over', run: 'outage-redis' });
  assert.deepEqual(requested, [{ name: 'outage', variant: 'distributed' }, { name: 'outage', variant: 'redis' }]);
  assert.deepEqual([ended.scenario.name, ended.finished, ended.error], ['outage', ['outage-distributed', 'outage-redis'], '']);
  assert.equal((await player.start(other)).error, undefined);
});
