// The table of measures, runs side by side: first the measures that a run has an expectation for, measured above
// expected; then the other measures that are not 0 in all runs.
import { measureMeaning } from '../shared/measures.js';
import { make, measureName, number } from '../shared/text.js';

const expectationOf = (run, measure) => run.expectations.find((each) => each.measure === measure);
const measuresOf = (runs) => [...new Set(runs.flatMap((run) => Object.keys(run.measures)))];

const cell = (run, measure) => {
  const expectation = expectationOf(run, measure);
  const key = `${run.variant}/${measure}`;
  const held = expectation ? expectation.held : null;
  const figure = make('b', { 'data-measured': key, 'data-held': held === null ? 'none' : String(held), text: number(run.measures[measure]) });
  if (!expectation) return make('td', {}, figure);
  return make('td', { class: held ? '' : 'not-held' }, figure, make('span', { class: 'sign', text: held ? ' ✓' : ' ✗ not held' }),
    make('small', { 'data-expected': key, text: `expected ${expectation.expected}` }));
};

const row = (runs, measure) => make('tr', {},
  make('th', { scope: 'row' }, measureName(measure), make('small', { text: measureMeaning(measure) })),
  ...runs.map((run) => cell(run, measure)));

export const figureTable = (runs) => {
  const expected = (measure) => runs.some((run) => expectationOf(run, measure));
  const isNonZero = (measure) => runs.some((run) => run.measures[measure]);
  const measures = measuresOf(runs);
  const shown = [...measures.filter(expected), ...measures.filter((measure) => !expected(measure) && isNonZero(measure))];
  return make('div', { class: 'scrolled' }, make('table', { class: 'results measured' },
    make('thead', {}, make('tr', {}, make('th', { scope: 'col', text: 'measure' }),
      ...runs.map((run) => make('th', { scope: 'col', text: `${run.variant}${run.again}` })))),
    make('tbody', {}, ...shown.map((measure) => row(runs, measure)))));
};
