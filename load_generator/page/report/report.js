// The report draws the runs that it contains. For each scenario: a poster, the lanes of its runs on one time axis, its
// measures, expected beside measured, and an appendix. It fetches nothing. For paper everything is drawn again, as wide
// as the sheet and in light colours; each of the four parts begins a page. #poster shows nothing but the first poster.
import { definePatterns } from '../shared/marks.js';
import { byId, count, make, setText } from '../shared/text.js';
import { appendix } from './appendix.js';
import { measureTable } from './measure_table.js';
import { posterCard } from './poster.js';
import { timelines } from './timelines.js';

const drawings = [];

// Runs of one design are numbered from the second one on.
const numberRepeated = (runs) => runs.forEach((run, i) => {
  const earlier = runs.slice(0, i).filter(({ variant }) => variant === run.variant).length;
  run.again = earlier > 0 ? `, run ${earlier + 1}` : '';
});

const scenarioSection = (runs, index) => {
  numberRepeated(runs);
  const poster = posterCard(runs);
  const times = timelines(runs);
  drawings.push(poster.draw, times.draw);
  return make('article', { class: 'scenario', id: `scenario-${index + 1}`, 'data-scenario': runs[0].name },
    poster.node, times.node, make('section', { class: 'card measures' }, make('h3', { text: 'Expected and measured' }), measureTable(runs)), appendix(runs));
};

const byScenario = (runs) => {
  const groups = new Map();
  for (const run of runs) groups.set(run.name, [...(groups.get(run.name) || []), run]);
  return [...groups.values()];
};

const isOnPaper = () => document.documentElement.classList.contains('paper');
const drawAll = () => drawings.forEach((drawPart) => drawPart(isOnPaper()));

const print = (paper) => {
  document.documentElement.classList.toggle('paper', paper);
  drawAll();
};

const showOnlyPoster = () => {
  document.documentElement.classList.toggle('only-poster', location.hash === '#poster');
  drawAll();
};

const runs = JSON.parse(byId('runs').textContent);
const scenarios = byScenario(runs);
definePatterns();
const names = scenarios.map(([first]) => first.name);
setText(byId('report-of'), count(runs.length, 'run'));
byId('contents').append(...names.map((text, i) => make('li', {}, make('a', { href: `#scenario-${i + 1}`, text }))));
document.title = `Runs side by side: ${names.join(', ')}`;
byId('report').replaceChildren(...scenarios.map(scenarioSection));
showOnlyPoster();
addEventListener('hashchange', showOnlyPoster);
addEventListener('beforeprint', () => print(true));
addEventListener('afterprint', () => print(false));
