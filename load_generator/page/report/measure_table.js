// The measures of a scenario's runs in groups, side by side: each as a figure and a bar, expected beside measured. A
// measure's bars have one scale; the band behind them is what was expected.
import { measureMeaning } from '../shared/measures.js';
import { draw, make, measureName, number } from '../shared/text.js';
import { groupsOf, latenciesOf } from './measure_groups.js';

const barHeight = 8;

const bar = ({ length, band }) => draw('svg', { class: 'bar', viewBox: `0 0 100 ${barHeight}`, preserveAspectRatio: 'none', 'aria-hidden': 'true' },
  draw('rect', { width: 100, height: barHeight, class: 'bar-ground' }),
  band ? draw('rect', { x: Math.min(99, band.from), width: Math.max(1, band.to - band.from), height: barHeight, class: 'bar-band' }) : '',
  draw('rect', { y: 2, width: length, height: barHeight - 4, class: 'bar-measured' }));

const cellNode = (run, measure, cell) => {
  const { expectation } = cell;
  const key = `${run.variant}/${measure}`;
  const held = expectation?.held ?? null;
  const figure = make('b', { 'data-measured': key, 'data-held': held === null ? 'none' : String(held), text: number(cell.measured) });
  if (expectation === null) return make('td', {}, figure, bar(cell));
  return make('td', { class: held ? '' : 'not-held' }, figure, make('span', { class: 'sign', text: held ? ' ✓' : ' ✗ not held' }), bar(cell),
    make('small', { 'data-expected': key, text: `expected ${expectation.expected}` }));
};

const measureRow = (runs, { measure, cells }) => make('tr', {},
  make('th', { scope: 'row' }, measureName(measure), make('small', { text: measureMeaning(measure) })),
  ...cells.map((cell, i) => cellNode(runs[i], measure, cell)));

const latencyCell = (cell) => make('td', {}, cell === null ? '–' : make('span', { class: 'latency', text: [cell.p50, cell.p99, cell.max].map(number).join(' / ') }));

const latencyRow = ({ outcome, cells }) => make('tr', { 'data-latency': outcome },
  make('th', { scope: 'row' }, `calls ${outcome}`, make('small', { text: 'half within / 99 of 100 within / longest, in ms' })), ...cells.map(latencyCell));

const groupBody = (runs, { title, rows }) => make('tbody', { 'data-group': title },
  make('tr', {}, make('th', { scope: 'rowgroup', class: 'group', colspan: runs.length + 1, text: title })),
  ...rows.map((row) => measureRow(runs, row)), ...(title === 'Latency' ? latenciesOf(runs).map(latencyRow) : []));

const withLatency = (runs, groups) => (groups.some(({ title }) => title === 'Latency') || latenciesOf(runs).length === 0 ? groups : [...groups, { title: 'Latency', rows: [] }]);

export const scrolled = (label, table) => make('div', { class: 'scrolled', tabindex: 0, role: 'region', 'aria-label': label }, table);

export const measureTable = (runs) => scrolled('Measures', make('table', { class: 'results measured' },
  make('thead', {}, make('tr', {}, make('th', { scope: 'col', text: 'measure' }),
    ...runs.map((run) => make('th', { scope: 'col', text: `${run.variant}${run.again}` })))),
  ...withLatency(runs, groupsOf(runs)).map((group) => groupBody(runs, group))));
