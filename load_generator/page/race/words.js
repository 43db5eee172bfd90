// The race in words: one sentence that explains what has just happened, and the verdict. Nothing here touches the document.

import { time } from '../shared/text.js';
import { allOpenAt, instancesThatSaw, sceneAt } from './scene.js';

const small = ['zero', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine', 'ten'];
export const inWords = (number) => small[number] ?? String(number);
const failures = (count) => `${inWords(count)} ${count === 1 ? 'failure' : 'failures'}`;

export const switchesText = ({ openCount, states }, isRunning) => {
  if (!isRunning || openCount === 0) return `all ${inWords(states.length)} switches are closed`;
  if (openCount === states.length) return `all ${inWords(openCount)} switches are open`;
  return `${openCount} of ${states.length} switches are open`;
};

const highest = (pips) => pips.reduce((a, b) => Math.max(a, b), 0);

const leftWords = (left, threshold) => {
  const { openCount, states, pips } = left;
  if (openCount === states.length) return `Left: all ${inWords(openCount)} had to see ${failures(threshold)} each.`;
  if (openCount === 0) return `Left: each instance counts its own; the highest has ${highest(pips)} of ${threshold}.`;
  return `Left: ${openCount} of ${states.length} have seen enough; the others still count.`;
};

const seenBy = (scene, length) => {
  const saw = instancesThatSaw(scene, allOpenAt(scene, length));
  return `seen by ${inWords(saw)} ${saw === 1 ? 'instance' : 'instances'}, opened all ${inWords(scene.names.length)} switches`;
};

const rightWords = (scene, right, threshold, length) => (right.openCount === 0
  ? `Right: all count together in Redis, ${right.pips[0]} of ${threshold}.`
  : `Right: ${failures(threshold)}, ${seenBy(scene, length)}.`);

// `race` is { scenes: [left, right], givens, length }.
export const sentenceAt = ({ scenes, givens, length }, now) => {
  if (now < givens.fault_at_ms) return 'Every call is answered. In a moment the upstream dies.';
  const [left, right] = scenes.map((scene) => sceneAt(scene, now));
  if (left.hitCount === 0 && right.hitCount === 0) return 'The upstream is dead. The next calls will find out.';
  const threshold = givens.failure_threshold;
  if (left.openCount === left.states.length && right.openCount === right.states.length) {
    return `Left: ${inWords(left.states.length)} breakers each had to see ${failures(threshold)}, ${left.hitCount} calls. ` +
      `Right: ${right.hitCount}, ${seenBy(scenes[1], length)}.`;
  }
  return `${rightWords(scenes[1], right, threshold, length)} ${leftWords(left, threshold)}`;
};

// What is missing in the picture of a run whose file lists only some of its calls.
export const listedWords = ({ calls, some_calls: some }) => (calls || !some ? ''
  : ` It had too many calls for its file, which lists those from ${time(some.from_ms)} to ${time(some.to_ms)}: no others fly or are counted.`);

const verdictOf = (side, { guess, expected, measured, held }) => {
  const guessed = guess === null ? '' : `You guessed ${guess}. `;
  return `${side}: ${guessed}Expected ${expected}, measured ${measured}${held ? '.' : ', not as expected.'}`;
};

// Why the shared breaker's figure has a range.
const underWay = ({ low, high, held }) => (held && high > low ? ` (Up to ${high - low} more may be under way.)` : '');

// `results`: { guess: number or null, expected: 'exactly 50', low, high, measured, held } of the left and the right fleet.
export const verdictWords = ([left, right]) => [verdictOf('Left', left), verdictOf('Right', right) + underWay(right)];
