// The report draws the runs that it contains. For each scenario: the lanes of all its runs on one time axis, calls per
// second under them, expectations beside measurements, and every transition with its cause. It fetches nothing. For paper
// everything is drawn again, as wide as the sheet and in light colours.
import { figureTable } from './figure_table.js';
import { historiesOf, stateAt } from '../shared/fleet_history.js';
import { Lanes } from '../shared/lanes.js';
import { definePatterns, legend } from '../shared/marks.js';
import { designName } from '../shared/measures.js';
import { at, byId, count, duration, make, measureName, number, setText, stateName, time } from '../shared/text.js';
import { Traffic } from '../shared/traffic.js';
import { trafficOf } from '../shared/traffic_steps.js';

const drawings = [];

const most = (numbers, least = 0) => numbers.reduce((a, b) => Math.max(a, b), least);
const mostASecond = ({ traffic: { step_ms: step, upstream_calls: calls, blocked } }) => (most(blocked, most(calls)) * 1000) / step;

const runBlock = (run, length, top) => {
  const plots = make('div');
  const { disagreement_ms: disagreed, wasted } = run.measures;
  const summary = [`instances disagreed for ${duration(disagreed ?? 0)}`, `${number(wasted ?? 0)} calls wasted`];
  const block = make('section', { class: 'run', 'data-run': run.variant },
    make('h3', {}, make('b', { text: `${designName(run.variant)}${run.again}` }), run.instances.length > 1 ? ` ${summary.join(', ')}` : ''),
    plots);
  const traffic = new Traffic(top);
  const lanes = new Lanes(plots, traffic);
  const histories = historiesOf(run);
  const calls = trafficOf(run);
  drawings.push(() => {
    lanes.measure();
    lanes.show(histories, calls, 0, length);
    for (const [name, history] of histories) lanes.setState(name, stateAt(history, run.length_ms).state, 'at the end');
  });
  return block;
};

const causeList = (runs) => make('dl', { class: 'causes' }, ...runs.flatMap((run) => run.expectations.flatMap((expectation) => [
  make('dt', { text: `${run.variant}${run.again}, ${measureName(expectation.measure)}: ${expectation.expected}` }),
  make('dd', { text: expectation.because })])));

const transitionRow = (run, transition) => make('tr', { 'data-transition': run.variant },
  make('td', { class: 'figure', text: time(at(transition)) }), make('td', { text: `${run.variant}${run.again}` }),
  make('td', { text: transition.instance }),
  make('td', { text: `${stateName(transition.from)} → ${stateName(transition.to)}` }),
  make('td', { text: transition.cause }));

const transitionTable = (runs) => {
  const rows = runs.flatMap((run) => run.transitions.map((transition) => transitionRow(run, transition)));
  if (rows.length === 0) return make('p', { class: 'quiet', text: 'No breaker changed its state.' });
  const heads = ['time', 'design', 'reported by', 'change', 'cause'];
  return make('div', { class: 'scrolled' }, make('table', { class: 'results transitions' },
    make('thead', {}, make('tr', {}, ...heads.map((text) => make('th', { scope: 'col', text })))),
    make('tbody', {}, ...rows)));
};

const scenarioSection = (runs) => {
  const length = most(runs.map((run) => run.length_ms));
  const top = most(runs.map(mostASecond), 1);
  runs.forEach((run, i) => {
    const earlier = runs.slice(0, i).filter(({ variant }) => variant === run.variant).length;
    run.again = earlier > 0 ? `, run ${earlier + 1}` : '';
  });
  return make('section', { class: 'card scenario', 'data-scenario': runs[0].name },
    make('h2', { text: runs[0].name }), make('p', { class: 'question', text: runs[0].question }),
    ...runs.map((run) => runBlock(run, length, top)), legend(),
    make('h3', { text: 'Expected and measured' }), figureTable(runs), causeList(runs),
    make('h3', { text: 'Every transition and its cause' }), transitionTable(runs));
};

const byScenario = (runs) => {
  const groups = new Map();
  for (const run of runs) groups.set(run.name, [...(groups.get(run.name) || []), run]);
  return [...groups.values()];
};

const drawAll = () => drawings.forEach((drawRun) => drawRun());

const print = (paper) => {
  document.documentElement.classList.toggle('paper', paper);
  drawAll();
};

const runs = JSON.parse(byId('runs').textContent);
const groups = byScenario(runs);
definePatterns();
const names = groups.map(([first]) => first.name);
setText(byId('report-of'), `${names.join(', ')}: ${count(runs.length, 'run')}`);
document.title = `Runs side by side: ${names.join(', ')}`;
byId('report').replaceChildren(...groups.map(scenarioSection));
drawAll();
addEventListener('beforeprint', () => print(true));
addEventListener('afterprint', () => print(false));
