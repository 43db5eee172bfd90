// How lanes draw states and events: a pattern for each state, a shape for each kind of mark, and the legend.
// Nothing is distinguished by colour only. Shapes are parts of a path, so one path can hold any number of them.
import { leastHalfOpen } from './lane_layout.js';
import { draw, make, setAttribute, stateLetter } from './text.js';

const cross = (x, y, r) => `M${x - r} ${y - r}l${2 * r} ${2 * r}m0 ${-2 * r}l${-2 * r} ${2 * r}`;
const circle = (x, y, r) => `M${x - r} ${y}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0z`;
const triangle = (x, y, r) => `M${x} ${y - r}l${r} ${2 * r}h${-2 * r}z`;
const box = (x, y, r) => `M${x - r} ${y - r}h${2 * r}v${2 * r}h${-2 * r}z`;

const slash = (x, y, r) => `${circle(x, y, r)}M${x - r - 1} ${y + r + 1}l${2 * r + 2} ${-2 * r - 2}`;

export const wastedBox = (x, y) => box(x, y, 6.5);
export const markShapes = {
  failure: (x, y) => cross(x, y, 3.5),
  unanswered: (x, y) => slash(x, y, 3.5),
  late: (x, y) => triangle(x, y, 4.5),
  probe_succeeded: (x, y) => circle(x, y, 4.5),
  probe_failed: (x, y) => circle(x, y, 4.5),
};

const pattern = (id, size, turn, ...children) =>
  draw('pattern', { id, width: size, height: size, patternUnits: 'userSpaceOnUse', patternTransform: turn }, ...children);

let untilEdge;

export const setUntil = (x) => setAttribute(untilEdge, 'width', Math.max(0, Math.min(x, 90000)) + 50);

// The patterns, once for the page, and the clip path that hides what a replay has not reached yet.
export const definePatterns = () => {
  const ground = (state) => draw('rect', { width: 12, height: 12, class: `ground-${state}` });
  untilEdge = draw('rect', { id: 'until-edge', x: -50, y: -50, width: 100000, height: 1000 });
  document.body.append(
    draw('svg', { class: 'definitions', width: 0, height: 0, 'aria-hidden': 'true' },
      draw('defs', {},
        pattern('hatched', 7, 'rotate(45)', ground('open'),
          draw('rect', { width: 3, height: 7, class: 'ink-open' })),
        pattern('dotted', 6, null, ground('half_open'),
          draw('circle', { cx: 3, cy: 3, r: 1.5, class: 'ink-half_open' })),
        draw('clipPath', { id: 'until' }, untilEdge))));
};

export const pole = ({ x, pennant }, height) => (x === pennant ? `M${x} ${height}V1` : `M${x} ${height}V11L${pennant} 8V1`);
export const pennant = ({ pennant: x }) => `M${x} 1h1l7 3.5l-7 3.5h-1z`;

const swatch = (...children) =>
  draw('svg', { width: 34, height: 18, 'aria-hidden': 'true' }, ...children);
const spanSwatch = (state) => swatch(
  draw('rect', { x: 1, y: 2, width: 32, height: 14, class: `span span-${state}` }),
  draw('text', { x: 5, y: 13, class: `letter letter-${state}`, text: stateLetter(state) }));
const markSwatch = (...kinds) => swatch(...kinds.map((kind) => {
  const shape = kind === 'wasted' ? wastedBox : markShapes[kind];
  return draw('path', { d: shape(17, 9), class: `mark mark-${kind}` });
}));
const flagSwatch = { x: 13, pennant: 13 };

// What each explains, its swatch, its name and its meaning.
const legendEntries = () => [
  ['closed', spanSwatch('closed'), 'closed', 'calls go through'],
  ['open', spanSwatch('open'), 'open', 'calls are blocked at once'],
  ['half_open', spanSwatch('half_open'), 'half-open', `a few probes are let through; drawn at least ${leastHalfOpen} pixels wide`],
  ['unknown', spanSwatch('unknown'), 'no answer', 'the instance cannot be reached'],
  ['local', swatch(draw('path', { d: 'M1 8.5H33', class: 'local-line' })), 'local breaker', 'used while Redis is unavailable'],
  ['change', swatch(draw('path', { d: pole(flagSwatch, 17), class: 'flag pole flag-open' }), draw('path', { d: pennant(flagSwatch), class: 'flag flag-open' })),
    'change', 'the colour is the new state’s; flags side by side are in their order'],
  ['failure', markSwatch('failure'), 'failure', 'the upstream answered with an error'],
  ['unanswered', markSwatch('unanswered'), 'no answer', 'the call got none in time'],
  ['number', swatch(draw('path', { d: markShapes.failure(9, 9), class: 'mark mark-failure' }), draw('text', { x: 15, y: 13, class: 'mark-number', text: '3' })),
    'number', 'so many calls that would cover each other'],
  ['probe_failed', markSwatch('probe_failed'), 'probe failed', 'the upstream still fails'],
  ['probe_succeeded', markSwatch('probe_succeeded'), 'probe succeeded', 'the upstream works again'],
  ['late', markSwatch('late'), 'late', 'the result came after the state had changed; not counted'],
  ['wasted', markSwatch('wasted', 'failure'), 'wasted', 'failed although another instance was already open'],
];

// isShown(kind): whether that kind is explained.
export const legend = (isShown = (_kind) => true) => make('ul', { class: 'legend' }, ...legendEntries().filter(([kind]) => isShown(kind))
  .map(([, swatchOfIt, name, meaning]) => make('li', {}, swatchOfIt, make('span', {}, make('b', { text: name }), ` ${meaning}`))));
