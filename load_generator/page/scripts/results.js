// The result of a prediction: guess, expectation with its arithmetic, and measurement, together; and the list of this tab's
// results, to compare designs. The list is in the browser's sessionStorage only.
'use strict';

{
  const storedAs = 'lab-results';
  const mostResults = 30;

  // The result of a run for the guessed measure; without a guess, for its first one.
  Lab.resultOf = (run, document, prediction) => {
    const { name, variant, expectations, measures } = document;
    const measure = prediction ? prediction.measure : expectations[0]?.measure;
    const expectation = expectations.find((each) => each.measure === measure);
    return {
      run, name, variant, measure,
      fingerprint: Lab.fingerprint(document),
      guess: prediction ? prediction.guess : null,
      measured: measures[measure] ?? null,
      expected: expectation?.expected ?? 'no expectation',
      because: expectation?.because ?? '',
      held: expectation?.held ?? null,
      others: expectations.filter((each) => each !== expectation)
        .map((each) => ({ measure: each.measure, expected: each.expected, held: each.held, because: each.because, measured: measures[each.measure] ?? null })),
    };
  };

  const guessText = ({ guess }) => (guess === null ? 'no guess' : Lab.number(guess));
  const measuredText = ({ measured }) => (measured === null ? 'not measured' : Lab.number(measured));
  const heldText = (held) => (held === null ? '–' : held ? 'held' : 'not held');

  const sentence = (result) =>
    `guess ${guessText(result)}, expected ${result.expected}, measured ${measuredText(result)}${result.held === null ? '' : `: ${heldText(result.held)}`}`;

  const guessVerdict = ({ guess, measured }) => {
    if (guess === null || measured === null) return '';
    if (guess === measured) return 'Your guess was exactly right.';
    return `Your guess was ${guess > measured ? 'higher' : 'lower'} than the measurement: read why, then watch the run again.`;
  };

  const otherLine = (other) => Lab.make('li', { class: other.held ? '' : 'not-held' },
    Lab.make('b', { text: Lab.measureName(other.measure) }),
    ` expected ${other.expected}, measured ${measuredText(other)}: ${heldText(other.held)}`);

  Lab.showVerdict = (result) => {
    const verdict = Lab.byId('verdict');
    verdict.hidden = false;
    Lab.setText(Lab.byId('verdict-of'), `${result.name}, ${Lab.designName(result.variant)}: ${Lab.measureName(result.measure)}`);
    const texts = { guess: guessText(result), expected: result.expected, measured: measuredText(result) };
    for (const [which, text] of Object.entries(texts)) Lab.setText(verdict.querySelector(`[data-result="${which}"]`), text);
    const held = Lab.byId('verdict-held');
    Lab.setText(held, result.held === null ? '' : `The expectation ${result.held ? 'held' : 'did not hold'}.`);
    held.classList.toggle('not-held', result.held === false);
    Lab.setText(Lab.byId('verdict-because'), result.because ? `Because: ${result.because}.` : '');
    Lab.setText(Lab.byId('verdict-guess'), guessVerdict(result));
    Lab.byId('verdict-others').replaceChildren(...result.others.map(otherLine));
    if (document.activeElement === Lab.byId('scenario-answer')) verdict.focus();
  };

  class Results {
    constructor(replay) {
      this.replay = replay;
      this.results = Lab.restore(storedAs, (stored) => Array.isArray(stored) && stored.every((each) => each !== null && typeof each === 'object'), []);
      Lab.byId('forget-results').addEventListener('click', () => {
        if (confirm('Delete all your predictions?')) this.set([]);
      });
      this.show();
    }

    add(result) {
      this.set([result, ...this.results].slice(0, mostResults));
      Lab.showVerdict(result);
      Lab.announce(sentence(result));
    }

    set(results) {
      this.results = results;
      Lab.store(storedAs, results);
      this.show();
    }

    show() {
      Lab.byId('results').hidden = this.results.length === 0;
      Lab.byId('results-rows').replaceChildren(...this.results.map((result) => this.row(result)));
    }

    row(result) {
      const cell = (text, label, kind) => Lab.make('td', { text, 'data-label': label, class: kind });
      const replay = Lab.make('button', { type: 'button', class: 'small', text: 'Replay', 'aria-label': `Replay ${result.name}, ${result.variant}` });
      replay.addEventListener('click', () => this.replay(result));
      return Lab.make('tr', {},
        Lab.make('th', { scope: 'row', text: result.name }), cell(Lab.designName(result.variant), 'design'),
        cell(Lab.measureName(result.measure), 'figure'), cell(guessText(result), 'guess', 'figure'),
        cell(result.expected, 'expected', 'figure'), cell(measuredText(result), 'measured', 'figure'),
        cell(heldText(result.held), 'expectation', result.held === false ? 'not-held' : ''), Lab.make('td', {}, replay));
    }
  }

  Lab.Results = Results;
}
