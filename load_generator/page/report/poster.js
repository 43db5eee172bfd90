// The poster of a scenario: one look says what was asked, what each design did, and whether the prediction held.
import { numberLine, scaleFor } from '../race/number_line.js';
import { measureMeaning } from '../shared/measures.js';
import { draw, make, measureName, number } from '../shared/text.js';
import { figuresLike, heldText, posterOf } from './poster_model.js';
import { gridFor, isCounted, scaleWords, squaresPath } from './squares.js';

const narrowest = 160; // px of a number line

const chipList = (words) => make('ul', { class: 'chips' }, ...words.map((text) => make('li', { class: 'chip', text })));

const squaresNode = ({ measured, measure }, per, grid) => {
  const { width } = grid;
  const height = grid.rows(measured) * (grid.size + grid.gap) - grid.gap;
  return draw('svg', { class: 'squares', width, height, viewBox: `0 0 ${width} ${height}`, role: 'img', 'aria-label': `${number(measured)} ${measureName(measure)}, as squares` },
    draw('path', { d: squaresPath(measured, per, grid) }));
};

const resultWords = ({ held, expected }) => (held === null ? heldText(held) : `${heldText(held)}: expected ${expected}`);

// Returns { node, draw }: draw() makes the number line as wide as its place.
const designColumn = (poster, design, grid) => {
  const { variant, again, about, own, measure, measured, held } = design;
  const line = make('div', { class: 'poster-line' });
  const scale = scaleFor(figuresLike(poster.designs, measure));
  const node = make('li', { class: 'poster-design', 'data-poster-design': variant, 'data-held': held === null ? 'none' : String(held) },
    make('h3', {}, make('b', { text: `${variant}${again}` }), make('span', { text: about })), own.length > 0 ? chipList(own) : '',
    make('p', { class: 'poster-figure' }, make('b', { text: number(measured) }), make('span', { text: measureName(measure), title: measureMeaning(measure) })),
    make('div', { class: 'poster-squares' }, isCounted(measure) ? squaresNode(design, poster.per, grid) : ''),
    line, make('p', { class: 'poster-result', text: resultWords(design) }));
  return { node, draw: () => line.replaceChildren(numberLine({ ...design, guess: null }, scale, Math.max(narrowest, line.clientWidth))) };
};

const whyList = ({ designs }) => {
  const reasons = designs.filter(({ because }) => because !== '');
  return reasons.length === 0 ? '' : make('div', { class: 'poster-why' }, make('h3', { text: 'Why' }), make('dl', {}, ...reasons.flatMap(({ variant, again, because }) =>
    [make('dt', { text: `${variant}${again}` }), make('dd', { text: because })])));
};

const bandWords = ({ designs }) => (designs.some(({ held }) => held !== null) ? ' The band on a number line is what was expected.' : '');

// Returns { node, draw }.
export const posterCard = (runs) => {
  const poster = posterOf(runs);
  const { name, question, chips, designs, per, verdict, played } = poster;
  const grid = gridFor(designs.filter(({ measure }) => isCounted(measure)).map(({ measured }) => measured), per);
  const columns = designs.map((design) => designColumn(poster, design, grid));
  const isHeld = designs.every(({ held }) => held !== false);
  const node = make('section', { class: 'card poster', 'data-poster': name },
    make('h2', { text: name }), make('p', { class: 'poster-question', text: question }), chipList(chips),
    make('ul', { class: 'poster-designs' }, ...columns.map((column) => column.node)),
    make('p', { class: 'quiet', text: `${scaleWords(designs.map(({ measure }) => measure), per)}${bandWords(poster)}`.trim() }),
    whyList(poster), make('p', { class: 'poster-verdict', 'data-held': isHeld, text: verdict }),
    make('p', { class: 'quiet poster-foot', text: `Circuit Breaker Lab, ${played}` }));
  const drawLines = () => columns.forEach((column) => column.draw());
  new ResizeObserver(drawLines).observe(node);
  return { node, draw: drawLines };
};
