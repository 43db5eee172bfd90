// A step chart on the lanes' time axis, as SVG: areas, each in front of the one before it, and lines with an outline. Like
// a lane it is drawn relative to the view's base and only moved until its steps change; the numbers of its scale stay.
// A step is { from, to, ... } with times in ms since the start. draw() scales to all steps in the window, and draws those
// that are over by view.until.
import { draw, number, setAttribute, setText } from './text.js';

const ceilings = [1, 1.5, 2, 3, 4, 5, 6, 8];
const air = 1.12; // the highest value is not at the edge

// The next round number.
export const ceiling = (value) => {
  const power = 10 ** Math.floor(Math.log10(Math.max(1, value)));
  return (ceilings.find((each) => each * power >= value) || 10) * power;
};

export class Chart {
  // areas: { name: (step) => value }, from back to front; lines likewise.
  constructor({ height, atLeast, areas, lines }) {
    this.height = height;
    this.atLeast = atLeast;
    this.areas = areas;
    this.lines = lines;
    const path = (name, kind) => draw('path', { class: `${kind} ${kind}-${name}` });
    this.paths = new Map(Object.keys({ ...areas, ...lines }).map((name) => [name, path(name, name in areas ? 'area' : 'line')]));
    this.outlines = new Map(Object.keys(lines).map((name) => [name, draw('path', { class: 'line-outline' })]));
    this.grid = draw('path', { class: 'grid' });
    this.moved = draw('g', {}, this.grid, ...this.paths.values());
    for (const [name, outline] of this.outlines) this.moved.insertBefore(outline, this.paths.get(name));
    this.levels = draw('path', { class: 'grid' });
    this.numbers = [1, 0.5].map((part) => draw('text', { class: 'level', x: 3, y: this.y(part / air) + 12 }));
    this.svg = draw('svg', { class: 'chart', role: 'img', height }, this.levels, this.moved, ...this.numbers);
  }

  // Of a part of the scale.
  y(part) {
    return Math.round((1 - part) * (this.height - 1) * 10) / 10 + 0.5;
  }

  draw(steps, view) {
    const values = { ...this.areas, ...this.lines };
    const highest = (step) => Math.max(...Object.values(values).map((value) => value(step)));
    const top = ceiling(steps.reduce((most, step) => (step.to > view.start ? Math.max(most, highest(step)) : most), this.atLeast));
    const over = steps.filter(({ to }) => to <= view.until);
    for (const [name, value] of Object.entries(values)) {
      const d = this.path(over, view, (step) => this.y(value(step) / top / air), name in this.areas);
      setAttribute(this.paths.get(name), 'd', d);
      if (this.outlines.has(name)) setAttribute(this.outlines.get(name), 'd', d);
    }
    setAttribute(this.levels, 'd', [1, 0.5].map((part) => `M0 ${this.y(part / air)}H${view.width}`).join(''));
    this.numbers.forEach((node, i) => setText(node, number(i === 0 ? top : top / 2)));
    setAttribute(this.grid, 'd', view.ticks().times.map((time) => `M${view.x(time)} 0V${this.height}`).join(''));
    setAttribute(this.svg, 'width', view.width);
  }

  path(steps, view, y, isClosed) {
    if (steps.length === 0) return '';
    const base = this.y(0);
    const parts = steps.map((step) => `V${y(step)}H${view.x(step.to)}`);
    const start = isClosed ? `M${view.x(steps[0].from)} ${base}` : `M${view.x(steps[0].from)} ${y(steps[0])}`;
    return `${start}${parts.join('')}${isClosed ? `V${base}z` : ''}`;
  }

  move(view) {
    setAttribute(this.moved, 'transform', `translate(${view.shift})`);
  }
}
