// The table of measures, runs side by side: first the measures that a run has an expectation for, measured above
// expected; then the other measures that are not 0 in all runs.
'use strict';

{
  const expectationOf = (run, measure) => run.expectations.find((each) => each.measure === measure);
  const measuresOf = (runs) => [...new Set(runs.flatMap((run) => Object.keys(run.measures)))];

  const cell = (run, measure) => {
    const expectation = expectationOf(run, measure);
    const key = `${run.variant}/${measure}`;
    const held = expectation ? expectation.held : null;
    const figure = Lab.make('b', { 'data-measured': key, 'data-held': held === null ? 'none' : String(held), text: Lab.number(run.measures[measure]) });
    if (!expectation) return Lab.make('td', {}, figure);
    return Lab.make('td', { class: held ? '' : 'not-held' }, figure, Lab.make('span', { class: 'sign', text: held ? ' ✓' : ' ✗ not held' }),
      Lab.make('small', { 'data-expected': key, text: `expected ${expectation.expected}` }));
  };

  const row = (runs, measure) => Lab.make('tr', {},
    Lab.make('th', { scope: 'row' }, Lab.measureName(measure), Lab.make('small', { text: Lab.measureMeaning(measure) })),
    ...runs.map((run) => cell(run, measure)));

  Lab.figureTable = (runs) => {
    const expected = (measure) => runs.some((run) => expectationOf(run, measure));
    const isNonZero = (measure) => runs.some((run) => run.measures[measure]);
    const measures = measuresOf(runs);
    const shown = [...measures.filter(expected), ...measures.filter((measure) => !expected(measure) && isNonZero(measure))];
    return Lab.make('div', { class: 'scrolled' }, Lab.make('table', { class: 'results measured' },
      Lab.make('thead', {}, Lab.make('tr', {}, Lab.make('th', { scope: 'col', text: 'measure' }),
        ...runs.map((run) => Lab.make('th', { scope: 'col', text: `${run.variant}${run.again}` })))),
      Lab.make('tbody', {}, ...shown.map((measure) => row(runs, measure)))));
  };
}
