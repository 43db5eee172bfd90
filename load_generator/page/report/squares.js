// A figure as squares, one for each call that it counts; where there are too many, one for ten, a hundred and so on. Pure.
import { unitOf } from '../experiments/guess_range.js';
import { count } from '../shared/text.js';

const mostSquares = 300;
const few = 100; // squares that are drawn larger

const nouns = { opened: 'opening', opened_locally: 'opening', closed_again: 'closing', would_have_tripped: 'trip', probes: 'probe',
  failed_probes: 'probe', most_probes_at_once: 'probe', instances_that_opened: 'instance', closed_at_end: 'instance',
  local_at_end: 'instance', redis_scripts: 'script' };

export const isCounted = (measure) => unitOf(measure) === 'count';
export const nounOf = (measure) => (Object.hasOwn(nouns, measure) ? nouns[measure] : 'call');

const counted = (figure) => (Number.isFinite(figure) && figure > 0 ? figure : 0);

// How many one square stands for, so that the largest figure fits.
export const perSquare = (figures) => {
  const most = Math.max(0, ...figures.map(counted));
  let per = 1;
  while (most / per > mostSquares) per *= 10;
  return per;
};

// The squares of a figure; the last one may be a part of one.
export const squaresOf = (figure, per) => {
  const whole = Math.floor(counted(figure) / per);
  return { whole, part: counted(figure) / per - whole };
};

// How they are laid out: all designs of a poster alike, so that areas can be compared. `rows` are those of a figure.
export const gridFor = (figures, per) => {
  const most = Math.max(1, ...figures.map((figure) => Math.ceil(counted(figure) / per)));
  const [columns, size, gap] = most <= few ? [10, 16, 3] : [20, 8, 2];
  return { columns, size, gap, width: columns * (size + gap) - gap, rows: (figure) => Math.max(1, Math.ceil(counted(figure) / per / columns)) };
};

// The path of a figure's squares in a grid.
export const squaresPath = (figure, per, { columns, size, gap }) => {
  const { whole, part } = squaresOf(figure, per);
  const square = (i, width) => `M${(i % columns) * (size + gap)} ${Math.floor(i / columns) * (size + gap)}h${width}v${size}h${-width}z`;
  const squares = Array.from({ length: whole }, (_, i) => square(i, size));
  if (part > 0) squares.push(square(whole, Math.max(1, Math.round(part * size * 10) / 10)));
  return squares.join('');
};

// 'One square is 10 calls.'
export const scaleWords = (measures, per) => {
  const names = [...new Set(measures.filter(isCounted).map(nounOf))];
  return names.length === 0 ? '' : `One square is ${names.map((name) => count(per, name)).join(' or ')}.`;
};
