import assert from 'node:assert/strict';
import test from 'node:test';
import { scaleFor } from '../../page/race/number_line.js';
import { advance, atFullSpeed, interestingPart, speedAt, timeOn } from '../../page/race/replay_clock.js';
import { makeScene, sceneAt } from '../../page/race/scene.js';
import { sentenceAt, switchesText, verdictWords } from '../../page/race/words.js';
import { madeUpRace } from './made_up_race.js';

const race = () => {
  const { givens, runs } = madeUpRace();
  return { givens, length: givens.length_ms, scenes: runs.map((run) => makeScene(run, givens.failure_threshold)) };
};

test('one sentence explains each part of the race', () => {
  const made = race();
  assert.equal(sentenceAt(made, 500), 'Every call is answered. In a moment the upstream dies.');
  assert.equal(sentenceAt(made, 1001), 'The upstream is dead. The next calls will find out.');
  assert.equal(sentenceAt(made, 1050), 'Right: all count together in Redis, 3 of 5. Left: each instance counts its own; the highest has 1 of 5.');
  assert.match(sentenceAt(made, 1500), /^Right: five failures, seen by five instances, opened all ten switches\. Left: each/);
  assert.match(sentenceAt(made, 3000), /^Left: ten breakers each had to see five failures, 50 calls\. Right: 5, seen by five instances, opened all ten switches\.$/);
});

test('the words on switches agree with their number', () => {
  const { scenes: [left], length } = race();
  assert.equal(switchesText(sceneAt(left, 0), false), 'all ten switches are closed');
  assert.equal(switchesText(sceneAt(left, 1850), true), '3 of 10 switches are open');
  assert.equal(switchesText(sceneAt(left, length), true), 'all ten switches are open');
});

test('the verdict says guess, expected and measured, and whether that is as expected', () => {
  const result = { expected: 'exactly 50', measured: 50, held: true };
  assert.deepEqual(verdictWords([{ ...result, guess: 30 }, { ...result, guess: null, expected: '5 to 14', measured: 17, held: false }]),
    ['Left: You guessed 30. Expected exactly 50, measured 50.', 'Right: Expected 5 to 14, measured 17, not as expected.']);
});

test('a replay is slow around what happens and fast elsewhere, and loses no time at the borders', () => {
  const part = interestingPart(1000, 2000, 3500);
  assert.deepEqual([0, 939, 940, 2099, 2100].map((time) => speedAt(part, time)), [1, 1, 0.1, 0.1, 1]);
  let time = 0;
  let watched = 0;
  while (time < 3500) {
    time = advance(part, time, 16, 3500);
    watched += 16;
  }
  assert.ok(Math.abs(watched - (940 + 11600 + 1400)) < 40, `${watched}`);
  assert.equal(advance(part, 0, 1e6, 3500), 3500);
});

test('the page and its worker read one moment from a clock, which stands still or passes, but never leaves the race', () => {
  const part = interestingPart(1000, 2000, 3500);
  const still = { time: 1200, part: null, length: 3500, since: 50 };
  assert.deepEqual([50, 9000].map((now) => timeOn(still, now)), [1200, 1200]);
  const slow = { ...still, part };
  assert.deepEqual([50, 1050, 1e6].map((now) => timeOn(slow, now)), [1200, 1300, 3500]);
  const live = { time: -300, part: atFullSpeed, length: 3500, since: 50 };
  assert.deepEqual([0, 250, 450, 9000].map((now) => timeOn(live, now)), [0, 0, 100, 3500]);
});

test('the number line has room for all figures, and round numbers', () => {
  for (const most of [1, 5, 9, 50, 59, 130, 520, 100000]) {
    const { end, numbers } = scaleFor([most, 0]);
    assert.ok(end >= most);
    assert.ok(numbers.length >= 2 && numbers.length <= 9, `${numbers}`);
    assert.equal(numbers[0], 0);
    assert.equal(numbers.at(-1), end);
  }
});
