// The verdict of a finished race: for each fleet a number line with the guess, what was measured and the band that
// arithmetic expects, and the same in words.

import { announce, byId, make } from '../shared/text.js';
import { numberLine, scaleFor } from './number_line.js';
import { verdictWords } from './words.js';

const guessed = 'upstream_failures'; // the measure that people guess
const narrowest = 200; // px of a number line

// `guess` is a number, or null.
export const resultOf = (run, guess) => {
  const { expected, at_least: low, at_most: high, held } = run.expectations.find(({ measure }) => measure === guessed);
  return { guess, expected, low, high, measured: run.measures[guessed], held };
};

// `lines` are the number lines' places.
export const showVerdict = (results, lines) => {
  const scale = scaleFor(results.flatMap(({ guess, high, measured }) => [guess ?? 0, high, measured]));
  const words = verdictWords(results);
  byId('verdict-words').replaceChildren(...words.map((text) => make('p', { text })));
  results.forEach((result, i) => lines[i].replaceChildren(numberLine(result, scale, Math.max(narrowest, lines[i].clientWidth))));
  announce(words.join(' '));
};
