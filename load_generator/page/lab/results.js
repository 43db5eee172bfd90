// The result of a prediction: guess, expectation with its arithmetic, and measurement, together; and the list of this tab's
// results, to compare designs. The list is in the browser's sessionStorage only.
import { fingerprint } from '../shared/api.js';
import { designName } from '../shared/measures.js';
import { announce, byId, make, measureName, number, restore, setText, store } from '../shared/text.js';

const storedAs = 'lab-results';
const mostResults = 30;

// The result of a run for the guessed measure; without a guess, for its first one.
export const resultOf = (run, document, prediction) => {
  const { name, variant, expectations, measures } = document;
  const measure = prediction ? prediction.measure : expectations[0]?.measure;
  const expectation = expectations.find((each) => each.measure === measure);
  return {
    run, name, variant, measure,
    fingerprint: fingerprint(document),
    guess: prediction ? prediction.guess : null,
    measured: measures[measure] ?? null,
    expected: expectation?.expected ?? 'no expectation',
    because: expectation?.because ?? '',
    held: expectation?.held ?? null,
    others: expectations.filter((each) => each !== expectation)
      .map((each) => ({ measure: each.measure, expected: each.expected, held: each.held, because: each.because, measured: measures[each.measure] ?? null })),
  };
};

const guessText = ({ guess }) => (guess === null ? 'no guess' : number(guess));
const measuredText = ({ measured }) => (measured === null ? 'not measured' : number(measured));
const heldText = (held) => (held === null ? '–' : held ? 'held' : 'not held');

const sentence = (result) =>
  `guess ${guessText(result)}, expected ${result.expected}, measured ${measuredText(result)}${result.held === null ? '' : `: ${heldText(result.held)}`}`;

const guessVerdict = ({ guess, measured }) => {
  if (guess === null || measured === null) return '';
  if (guess === measured) return 'Your guess was exactly right.';
  return `Your guess was ${guess > measured ? 'higher' : 'lower'} than the measurement: read why, then watch the run again.`;
};

const otherLine = (other) => make('li', { class: other.held ? '' : 'not-held' },
  make('b', { text: measureName(other.measure) }),
  ` expected ${other.expected}, measured ${measuredText(other)}: ${heldText(other.held)}`);

export const showVerdict = (result) => {
  const verdict = byId('verdict');
  verdict.hidden = false;
  setText(byId('verdict-of'), `${result.name}, ${designName(result.variant)}: ${measureName(result.measure)}`);
  const texts = { guess: guessText(result), expected: result.expected, measured: measuredText(result) };
  for (const [which, text] of Object.entries(texts)) setText(verdict.querySelector(`[data-result="${which}"]`), text);
  const held = byId('verdict-held');
  setText(held, result.held === null ? '' : `The expectation ${result.held ? 'held' : 'did not hold'}.`);
  held.classList.toggle('not-held', result.held === false);
  setText(byId('verdict-because'), result.because ? `Because: ${result.because}.` : '');
  setText(byId('verdict-guess'), guessVerdict(result));
  byId('verdict-others').replaceChildren(...result.others.map(otherLine));
  if (document.activeElement === byId('scenario-answer')) verdict.focus();
};

export class Results {
  constructor(replay) {
    this.replay = replay;
    this.results = restore(storedAs, (stored) => Array.isArray(stored) && stored.every((each) => each !== null && typeof each === 'object'), []);
    byId('forget-results').addEventListener('click', () => {
      if (confirm('Delete all your predictions?')) this.set([]);
    });
    this.show();
  }

  add(result) {
    this.set([result, ...this.results].slice(0, mostResults));
    showVerdict(result);
    announce(sentence(result));
  }

  set(results) {
    this.results = results;
    store(storedAs, results);
    this.show();
  }

  show() {
    byId('results').hidden = this.results.length === 0;
    byId('results-rows').replaceChildren(...this.results.map((result) => this.row(result)));
  }

  row(result) {
    const cell = (text, label, kind) => make('td', { text, 'data-label': label, class: kind });
    const replay = make('button', { type: 'button', class: 'small', text: 'Replay', 'aria-label': `Replay ${result.name}, ${result.variant}` });
    replay.addEventListener('click', () => this.replay(result));
    return make('tr', {},
      make('th', { scope: 'row', text: result.name }), cell(designName(result.variant), 'design'),
      cell(measureName(result.measure), 'figure'), cell(guessText(result), 'guess', 'figure'),
      cell(result.expected, 'expected', 'figure'), cell(measuredText(result), 'measured', 'figure'),
      cell(heldText(result.held), 'expectation', result.held === false ? 'not-held' : ''), make('td', {}, replay));
  }
}
