// The picture of one fleet: callers, a wire and an electrical switch for each instance, pips towards the threshold, and a
// square at the upstream for each call that hit it while it was dead. What flies is drawn on a canvas above (dots.js).
// Only what has changed is touched. The picture is hidden from screen readers: the words beside it say the same.

import { draw, make, setAttribute, setText } from '../shared/text.js';
import { layout, wirePath } from './geometry.js';
import { Dots } from './dots.js';

const openAngle = -38; // degrees; a closed switch lets through

const circle = (x, y, r, name) => draw('circle', { cx: x, cy: y, r, class: name });
const line = (x1, y1, x2, y2, name) => draw('line', { x1, y1, x2, y2, class: name });
const label = (x, y, text, name = 'label') => draw('text', { x, y, class: name, text });

// Which pips are full; the row is one breaker's.
class Pips {
  constructor(place, x, y, threshold) {
    const gap = place.pip * 2 + (threshold > 10 ? 1 : 3);
    this.circles = Array.from({ length: threshold }, (_, i) => circle(x + i * gap, y, place.pip, 'pip'));
    this.width = gap * (threshold - 1);
    this.node = draw('g', {}, ...this.circles);
    this.full = 0;
  }

  show(full) {
    if (full === this.full) return;
    this.circles.forEach((each, i) => setAttribute(each, 'class', i < full ? 'pip full' : 'pip'));
    this.full = full;
  }
}

class Switch {
  constructor(place, y) {
    const { switchAt: x, blade } = place;
    this.blade = line(x, y, x + blade, y, 'blade');
    this.place = [x, y];
    this.node = draw('g', { class: 'switch' }, circle(x, y, 3, 'contact'), circle(x + blade, y, 3, 'contact'), this.blade);
    this.state = '';
    this.show('closed');
  }

  show(state) {
    if (state === this.state) return;
    this.state = state;
    setAttribute(this.node, 'data-state', state);
    const angle = { closed: 0, half_open: openAngle / 2 }[state] ?? openAngle;
    setAttribute(this.blade, 'transform', `rotate(${angle} ${this.place.join(' ')})`);
  }
}

// The squares of one instance: calls that hit the dead upstream, in rows if there are many.
class Squares {
  constructor(place, y) {
    this.place = place;
    this.y = y;
    this.path = draw('path', { class: 'hit' });
    this.count = 0;
  }

  show(count) {
    if (count === this.count) return;
    const { square, upstream, upstreamWidth } = this.place;
    const step = square + 2;
    const fit = Math.floor((upstreamWidth - 8) / step);
    const squares = Array.from({ length: count }, (_, i) =>
      `M${upstream + 7 + (i % fit) * step} ${this.y - square / 2 + Math.floor(i / fit) * 3}h${square}v${square}h${-square}z`);
    setAttribute(this.path, 'd', squares.join(''));
    this.count = count;
  }
}

export class FleetPicture {
  // Fills `holder` with the picture of a scene (see makeScene), that of the fleet on the left, 0, or on the right, 1.
  constructor(holder, index, { names, isShared, threshold }) {
    this.letters = names.map((name) => name.replace(/^Instance-/, ''));
    this.isShared = isShared;
    this.threshold = threshold;
    this.svg = draw('svg', { class: 'picture', 'aria-hidden': 'true' });
    this.dots = new Dots(index);
    this.node = make('div', { class: 'flight' }, this.svg, this.dots.canvas);
    holder.replaceChildren(this.node);
    this.resize();
  }

  resize() {
    const width = Math.max(280, this.node.clientWidth);
    if (this.place?.width === width) return;
    this.place = layout(width, this.letters.length, this.threshold);
    setAttribute(this.svg, 'viewBox', `0 0 ${width} ${this.place.height}`);
    setAttribute(this.svg, 'height', this.place.height);
    this.build();
    this.dots.resize(this.place);
    if (this.shown) this.show(...this.shown);
  }

  build() {
    const { place, letters } = this;
    this.switches = place.rows.map((y) => new Switch(place, y));
    this.squares = place.rows.map((y) => new Squares(place, y));
    this.upstream = draw('rect', { x: place.upstream, y: place.top - 2, width: place.upstreamWidth, height: place.bottom - place.top + 4, rx: 10, class: 'upstream' });
    this.upstreamWord = label(place.width - 2, 14, '', 'label end');
    const heads = [label(0, 14, 'callers'), label(place.name - 8, 14, 'instances')];
    this.svg.replaceChildren(...heads, circle(place.caller, place.middle, 10, 'caller'),
      ...place.rows.map((_, i) => draw('path', { d: wirePath(place, i), class: 'wire' })),
      ...this.makePips(), this.upstream, this.upstreamWord,
      ...place.rows.map((y, i) => label(place.name, y - place.row * 0.18 - 1, letters[i], 'name')),
      ...this.switches.map(({ node }) => node), ...this.squares.map(({ path }) => path));
  }

  // Each instance's, or those in Redis, from which the switches are ganged.
  makePips() {
    const { place, threshold } = this;
    if (!this.isShared) {
      this.pips = place.rows.map((y) => new Pips(place, place.switchAt + place.blade + 16, y - Math.min(9, place.row * 0.3), threshold));
      return this.pips.map(({ node }) => node);
    }
    const { x, width } = place.redis;
    const gang = place.switchAt + place.blade / 2;
    const pips = new Pips(place, 0, 0, threshold);
    const fit = Math.max(width, pips.width + 24);
    const left = Math.min(x - fit / 2, place.upstream - fit - 8);
    setAttribute(pips.node, 'transform', `translate(${left + fit / 2 - pips.width / 2} ${place.middle + 10})`);
    this.pips = [pips];
    place.box = { left, right: left + fit, top: place.middle - 22, bottom: place.middle + 22 };
    return [line(gang, place.rows[0] - 8, gang, place.rows.at(-1) + 2, 'gang'), line(gang, place.middle, left, place.middle, 'gang'),
      draw('rect', { x: left, y: place.middle - 22, width: fit, height: 44, rx: 9, class: 'redis' }),
      label(left + fit / 2, place.middle - 5, 'Redis', 'redis-word'), pips.node];
  }

  // `moment` is that of sceneAt().
  show(moment, isDead) {
    this.shown = [moment, isDead];
    this.switches.forEach((each, i) => each.show(moment.states[i]));
    this.squares.forEach((each, i) => each.show(moment.hits[i]));
    this.pips.forEach((each, i) => each.show(moment.pips[i]));
    setAttribute(this.svg, 'data-dead', isDead);
    setAttribute(this.svg, 'data-open', moment.openCount === moment.states.length);
    setText(this.upstreamWord, isDead ? 'upstream: dead' : 'upstream: healthy');
  }

  // Those that fly, of makeScene().
  setCalls(calls) {
    this.dots.setCalls(calls);
  }
}
