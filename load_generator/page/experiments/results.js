// What came out: of one design, from its run; and of a whole experiment, in words. Nothing here touches the document.

import { count, number } from '../shared/text.js';

const lead = 100; // ms before the first change: half of the 200 ms in which most happens

// The moment from which a run is worth watching; null if nothing changes in it.
export const watchFrom = ({ transitions }) => {
  const times = transitions.map(({ at_ms_since_start: at }) => at);
  return times.length === 0 ? null : Math.max(0, Math.floor(Math.min(...times) - lead));
};

const judged = ({ measures }, { measure, expected, at_least: low, at_most: high, because, held }) =>
  ({ measure, measured: measures[measure] ?? null, expected, low: low ?? null, high: high ?? null, because, held });

// The measure that most designs are measured by; of several the first.
export const usualMeasure = ({ variants }) => {
  const measures = variants.map(({ measure }) => measure);
  const times = (wanted) => measures.filter((measure) => measure === wanted).length;
  return measures.reduce((usual, measure) => (times(measure) > times(usual) ? measure : usual));
};

// `variant` is that of the scenario, whose measure was guessed; `guess` is null if there was none.
export const resultOf = (variant, run, guess) => {
  const first = run.expectations.find(({ measure }) => measure === variant.measure);
  const others = run.expectations.filter((each) => each !== first).map((each) => judged(run, each));
  const none = { measure: variant.measure, measured: run.measures[variant.measure] ?? null, expected: 'nothing', low: null, high: null, because: '', held: null };
  return { variant: variant.name, run: variant.run, guess, watch: watchFrom(run), others, ...(first ? judged(run, first) : none) };
};

export const measuredWords = ({ measured }) => (measured === null ? 'not measured' : `measured ${number(measured)}`);

export const heldWords = (held) => (held === null ? '' : held ? 'held' : 'did not hold');

// The figures, and whether the expectation held.
export const resultParts = (result) => {
  const guess = result.guess === null ? '' : `You guessed ${number(result.guess)}. `;
  const figures = `${guess}Expected ${result.expected}, ${measuredWords(result)}`;
  return result.held === null ? [`${figures}.`, ''] : [`${figures}: `, `${heldWords(result.held)}.`];
};

export const resultWords = (result) => resultParts(result).join('');

export const becauseWords = (because) => (because === '' ? '' : `Because: ${because}.`);

// Whether an experiment was played here: { state: 'no', 'part', 'held' or 'not-held', words }.
export const playedWords = ({ variants }) => {
  const played = variants.map((variant) => variant.played).filter((each) => each !== null);
  if (played.length === 0) return { state: 'no', words: 'not played yet' };
  const held = played.reduce((sum, each) => sum + each.held, 0);
  const expected = played.reduce((sum, each) => sum + each.expected, 0);
  const result = `${held} of ${count(expected, 'expectation')} held`;
  if (held < expected) return { state: 'not-held', words: result };
  return played.length < variants.length ? { state: 'part', words: `${result}; ${played.length} of ${count(variants.length, 'design')} played` } : { state: 'held', words: result };
};

// All designs, for screen readers.
export const summaryWords = (results) => results.map((result) => `${result.variant}: ${resultWords(result)}`).join(' ');
