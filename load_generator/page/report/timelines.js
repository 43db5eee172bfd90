// The timelines of a scenario: a block for each run, all over the same part of time. Separate breakers have a lane for
// each instance, a shared breaker has one thick lane.
import { historiesOf, stateAt } from '../shared/fleet_history.js';
import { Lane } from '../shared/lane.js';
import { Lanes } from '../shared/lanes.js';
import { kindOf } from '../shared/mark_kinds.js';
import { legend } from '../shared/marks.js';
import { designName } from '../shared/measures.js';
import { duration, make, number, setAttribute } from '../shared/text.js';
import { Traffic } from '../shared/traffic.js';
import { trafficOf } from '../shared/traffic_steps.js';
import { cutWords, partOf } from './crop.js';
import { lanesOfShared } from './shared_history.js';
import { SharedLane } from './shared_lane.js';

const chartHeight = 62; // px

const highest = (numbers, least = 0) => numbers.reduce((a, b) => Math.max(a, b), least);
const mostASecond = ({ traffic: { step_ms: step, upstream_calls: calls, blocked } }) => (highest(blocked, highest(calls)) * 1000) / step;

const hasOneBreaker = (run) => run.shared_breaker && run.instances.length > 1;

const lanesOf = (run) => (hasOneBreaker(run) ? lanesOfShared(run, historiesOf(run)) : historiesOf(run));

const summaryOf = (run) => {
  if (run.instances.length === 1) return '';
  const { disagreement_ms: disagreed, wasted } = run.measures;
  const breakers = hasOneBreaker(run) ? `one breaker for ${run.instances.length} instances; ` : '';
  return ` ${breakers}instances disagreed for ${duration(disagreed ?? 0)}, ${number(wasted ?? 0)} calls wasted`;
};

// Returns { node, draw }: draw() measures the place and draws.
const runBlock = (run, part, top) => {
  const plots = make('div');
  const node = make('section', { class: 'run', 'data-run': run.variant },
    make('h4', {}, make('b', { text: `${designName(run.variant)}${run.again}` }), summaryOf(run)), plots);
  const histories = lanesOf(run);
  const isShared = (name) => histories.get(name).isShared === true;
  const lanes = new Lanes(plots, new Traffic(top, chartHeight), (name, tooltip) => (isShared(name) ? new SharedLane(name, tooltip) : new Lane(name, tooltip)));
  const calls = trafficOf(run);
  const drawRun = (isOnPaper) => {
    lanes.setPaper(isOnPaper);
    lanes.measure();
    lanes.show(histories, calls, part.start, part.end);
    for (const [name, history] of histories) lanes.setState(name, stateAt(history, run.length_ms).state, 'at the end');
  };
  return { node, draw: drawRun, histories };
};

// What the legend has to explain: states and marks that occur.
const kindsIn = (histories) => {
  const all = histories.flatMap((each) => [...each.values()]);
  const states = all.flatMap((history) => history.states);
  const marks = all.flatMap((history) => history.marks);
  return new Set(['change', ...states.map(({ state }) => state), ...(states.some(({ store }) => store === 'local') ? ['local'] : []),
    ...marks.map(kindOf), ...(marks.some(({ wasted }) => wasted) ? ['wasted'] : []), ...(marks.length > 1 ? ['number'] : [])]);
};

const sharedWords = (unused) =>
  `A letter under a shared breaker’s lane is the instance that reported the change.${unused ? ' Where that lane is dashed, no instance used the breaker.' : ''}`;

// Returns { node, draw }.
export const timelines = (runs) => {
  const part = partOf(runs);
  const top = highest(runs.map(mostASecond), 1);
  const blocks = runs.map((run) => runBlock(run, part, top));
  const kinds = kindsIn(blocks.map(({ histories }) => histories));
  const cut = make('p', { class: 'quiet cut', text: cutWords(part) });
  const unused = blocks.some(({ histories }) => [...histories.values()].some((history) => history.isShared && history.states.some(({ state }) => state === 'unknown')));
  const ticks = runs.some(hasOneBreaker) ? make('p', { class: 'quiet', text: sharedWords(unused) }) : '';
  const node = make('section', { class: 'card timelines' }, make('h3', { text: 'What happened when' }), cut, ...blocks.map((block) => block.node),
    legend((kind) => kinds.has(kind)), ticks);
  setAttribute(node, 'data-part', `${part.start} ${part.end}`);
  return { node, draw: (isOnPaper) => blocks.forEach((block) => block.draw(isOnPaper)) };
};
