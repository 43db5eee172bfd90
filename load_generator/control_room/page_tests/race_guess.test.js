// To which race a guess belongs.
import assert from 'node:assert/strict';
import test from 'node:test';
import { Guess } from '../../page/race/guess.js';

const stored = new Map();
Object.assign(globalThis, {
  document: { getElementById: () => ({ addEventListener() {} }) },
  sessionStorage: { getItem: (key) => stored.get(key) ?? null, setItem: (key, text) => stored.set(key, text) },
});

const givens = { instances: 10, failure_threshold: 5, rate: 40, recovery_timeout_ms: 10000 };

test('a guess is shown with a race that has its givens, and with no other', () => {
  const guess = new Guess(() => {});
  guess.keep([30, 12], givens);
  const asTheServerHasThem = { ...givens, fault_at_ms: 1000, length_ms: 3500 };
  assert.deepEqual(guess.of(asTheServerHasThem), [30, 12]);
  assert.equal(guess.text(asTheServerHasThem), 'Your guess: 30 left, 12 right.');
  for (const name of Object.keys(givens)) {
    const others = { ...givens, [name]: givens[name] + 1 };
    assert.deepEqual(guess.of(others), [null, null], name);
    assert.equal(guess.text(others), 'The upstream dies one second after the start.');
  }
});

test('a page that was loaded again has the guess and its givens; a guess without givens is forgotten', () => {
  new Guess(() => {}).keep([30, 12], givens);
  assert.deepEqual(new Guess(() => {}).of(givens), [30, 12]);
  for (const [key] of stored) stored.set(key, '[30,12]');
  assert.deepEqual(new Guess(() => {}).of(givens), [null, null]);
});
