// The appendix of a scenario: each expectation with its arithmetic, every transition, the settings, and how to repeat it.
import { at, make, measureName, stateName, time } from '../shared/text.js';
import { playedRows, settingRows } from './appendix_model.js';
import { scrolled } from './measure_table.js';

const nameOf = (run) => `${run.variant}${run.again}`;
const columnHeads = (names) => make('thead', {}, make('tr', {}, ...names.map((text) => make('th', { scope: 'col', text }))));

const causeList = (runs) => make('dl', { class: 'causes' }, ...runs.flatMap((run) => run.expectations.flatMap((expectation) => [
  make('dt', { text: `${nameOf(run)}, ${measureName(expectation.measure)}: ${expectation.expected}` }),
  make('dd', { text: expectation.because })])));

const transitionRow = (run, transition) => make('tr', { 'data-transition': run.variant },
  make('td', { class: 'figure', text: time(at(transition)) }), make('td', { text: nameOf(run) }),
  make('td', { text: transition.instance }),
  make('td', { text: `${stateName(transition.from)} → ${stateName(transition.to)}` }),
  make('td', { text: transition.cause }));

const transitionTable = (runs) => {
  const rows = runs.flatMap((run) => run.transitions.map((transition) => transitionRow(run, transition)));
  if (rows.length === 0) return make('p', { class: 'quiet', text: 'No breaker changed its state.' });
  return scrolled('Transitions', make('table', { class: 'results transitions' },
    columnHeads(['time', 'design', 'reported by', 'change', 'cause']), make('tbody', {}, ...rows)));
};

const settingTable = (runs) => {
  const rows = settingRows(runs);
  if (rows.length === 0) return make('p', { class: 'quiet settings-missing', text: 'The settings are not recorded: these runs are of an older version.' });
  return scrolled('Settings', make('table', { class: 'results settings' }, columnHeads(['setting', ...runs.map(nameOf)]),
    make('tbody', {}, ...rows.map(({ name, cells }) => make('tr', { 'data-setting': name }, make('th', { scope: 'row' }, make('code', { text: name })),
      ...cells.map((text) => make('td', { text })))))));
};

const playedNode = (name, text) => make('div', { 'data-played': name }, make('dt', { text: name }), make('dd', {}, name === 'command' ? make('code', { text }) : text));

const playedList = (runs) => make('div', { class: 'played-runs' }, ...runs.map((run) => make('section', { 'data-played-run': run.variant },
  make('h5', { text: nameOf(run) }), make('dl', { class: 'played' }, ...playedRows(run).map(([name, text]) => playedNode(name, text))))));

export const appendix = (runs) => make('section', { class: 'card appendix' }, make('h3', { text: 'Appendix' }),
  make('h4', { text: 'Every transition and its cause' }), transitionTable(runs),
  make('h4', { text: 'Every expectation and its arithmetic' }), causeList(runs),
  make('h4', { text: 'Settings' }), settingTable(runs),
  make('h4', { text: 'How the runs were played, and how to repeat them' }), playedList(runs));
