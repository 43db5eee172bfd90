// The verdict as a number line for each fleet: the band that the arithmetic expects, what was measured, and the guess.

import { draw, make, number } from '../shared/text.js';

const height = 58;
const axis = 34;
const wordRoom = 70; // px between two words

const niceStep = (most) => {
  const rough = most / 6;
  const power = 10 ** Math.floor(Math.log10(rough));
  return Math.max(1, [1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= rough));
};

// The end of the axis, and its numbers: enough for all that is shown.
export const scaleFor = (figures) => {
  const most = Math.max(1, ...figures.filter((figure) => Number.isFinite(figure))) * 1.06;
  const step = niceStep(most);
  const end = Math.ceil(most / step) * step;
  return { end, numbers: Array.from({ length: Math.round(end / step) + 1 }, (_, i) => i * step) };
};

// A mark's word keeps inside the picture.
const word = (x, y, text, name, width) => {
  const anchor = x < 60 ? 'start' : x > width - 60 ? 'end' : 'middle';
  return draw('text', { x, y, class: name, 'text-anchor': anchor, text });
};

// `result`: { guess, low, high, measured, held }; `scale` is shared by all fleets. A bound that is null is an open end;
// without both there is no band. A guess or a figure that is null is not there.
export const numberLine = (result, scale, width) => {
  const inner = width - 24;
  const at = (figure) => 12 + (Math.min(figure, scale.end) / scale.end) * inner;
  const { measured, guess, held } = result;
  const low = result.low ?? 0;
  const high = result.high ?? scale.end;
  const band = Math.max(4, at(high) - at(low));
  const marks = [
    draw('line', { x1: 12, x2: 12 + inner, y1: axis, y2: axis, class: 'axis' }),
    ...scale.numbers.flatMap((each) => [draw('line', { x1: at(each), x2: at(each), y1: axis, y2: axis + 4, class: 'axis' }),
      draw('text', { x: at(each), y: axis + 17, class: 'axis-number', 'text-anchor': 'middle', text: each })]),
  ];
  if (result.low !== null || result.high !== null) {
    marks.push(draw('rect', { x: (at(low) + at(high) - band) / 2, y: axis - 7, width: band, height: 14, rx: 3, class: 'band' }));
  }
  if (measured !== null) {
    marks.push(draw('path', { d: `M${at(measured)} ${axis - 3}l-5 -9h10z`, class: held ? 'measured' : 'measured wrong' }),
      word(at(measured), axis - 16, `measured ${number(measured)}`, 'mark-word', width));
  }
  if (guess !== null) {
    marks.push(draw('path', { d: `M${at(guess)} ${axis - 6}l4 6l-4 6l-4 -6z`, class: 'guess' }));
    if (measured === null || Math.abs(at(guess) - at(measured)) > wordRoom) marks.push(word(at(guess), axis - 16, 'guess', 'mark-word', width));
  }
  return make('div', { class: 'number-line' },
    draw('svg', { viewBox: `0 0 ${width} ${height}`, width, height, 'aria-hidden': 'true' }, ...marks));
};
